#!/bin/sh
# Makes every secret that compose.prod.yaml mounts, each once: what is there is kept. Those that only you have,
# from Stripe, Clerk and your mail provider, it leaves empty and names.
#
#   deploy/secrets.sh [FOLDER] [HOST NAME]      (deploy/secrets, localhost)
set -eu

folder=${1:-"$(dirname "$0")/secrets"}
host=${2:-localhost}

# Nobody on this machine but its owner comes into the folder. The files in it can be read by every user, because
# the processes in the containers are other users than here.
mkdir -p "$folder"
chmod 700 "$folder"
umask 022

random() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }

# quietly COMMAND…: says only why it failed.
quietly() { said=$("$@" 2>&1) || { echo "$said" >&2; exit 1; }; }

# keep NAME TEXT: writes a file that is not there yet.
keep() { [ -e "$folder/$1" ] || printf '%s\n' "$2" >"$folder/$1"; }

keep service_identity_secret "$(random 32)"
keep auth_secrets_key "$(random 32)"

# A user for each database, named like it. deploy/mongo.js gives it the rights, and this password.
keep mongo_root_password "$(random 24)"
keep mongo_keyfile "$(random 48)"
for name in auth products cart_items checkout orders events; do
    keep "${name}_database_url" "mongodb://reen_$name:$(random 24)@mongo:27017/reen_$name?replicaSet=rs0"
done

# A user and a virtual host, which RabbitMQ makes at its first start.
if [ ! -e "$folder/rabbitmq.conf" ]; then
    password=$(random 24)
    cat >"$folder/rabbitmq.conf" <<RABBITMQ
default_vhost = reen
default_user = reen
default_pass = $password
default_user_tags.administrator = false
RABBITMQ
    printf 'amqp://reen:%s@rabbitmq:5672/reen\n' "$password" >"$folder/message_broker_url"
fi

# A user who may touch keys of ours and nothing else. Who does not sign in may ask whether Redis is there.
if [ ! -e "$folder/redis.acl" ]; then
    password=$(random 24)
    cat >"$folder/redis.acl" <<REDIS
user default on nopass resetkeys resetchannels -@all +ping
user reen on >$password resetchannels ~reen:* -@all +@read +@write +@scripting +@connection +time -@dangerous
REDIS
    printf 'redis://reen:%s@redis:6379\n' "$password" >"$folder/redis_service_url"
fi

# Signed by itself until a real certificate takes its place.
if [ ! -e "$folder/tls/privkey.pem" ]; then
    mkdir -p "$folder/tls"
    quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
        -subj "/CN=$host" -addext "subjectAltName=DNS:$host" -addext 'basicConstraints=critical,CA:FALSE' \
        -keyout "$folder/tls/privkey.pem" -out "$folder/tls/fullchain.pem"
    chmod 644 "$folder/tls/privkey.pem"
fi

# The processes speak TLS with each other, and know each other by certificates of an authority of their own. Its key
# stays here.
mesh="$folder/mesh"
if [ ! -e "$mesh/authority.key" ]; then
    mkdir -p "$mesh"
    quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
        -subj '/CN=REEN' -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign' \
        -keyout "$mesh/authority.key" -out "$mesh/authority.pem"
fi
for name in auth products cart-items checkout orders events-handler gateway reen; do
    place="$mesh/$name"
    [ ! -e "$place/cert.pem" ] || continue
    mkdir -p "$place"
    cp "$mesh/authority.pem" "$place/ca.pem"
    printf 'subjectAltName=DNS:%s\nbasicConstraints=critical,CA:FALSE\n' "$name" >"$mesh/extensions"
    quietly openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$name" \
        -keyout "$place/key.pem" -out "$mesh/request"
    quietly openssl x509 -req -in "$mesh/request" -CA "$mesh/authority.pem" -CAkey "$mesh/authority.key" \
        -CAcreateserial -days 3650 -extfile "$mesh/extensions" -out "$place/cert.pem"
    chmod 644 "$place/key.pem"
    rm "$mesh/extensions" "$mesh/request"
done

missing=
for name in stripe_secret_key stripe_webhook_signing_secret smtp_url; do
    keep "$name" ''
    grep -q . "$folder/$name" || missing="$missing $name"
done
# Empty is right where Clerk is not used.
keep clerk_secret_key ''
keep clerk_webhook_signing_secret ''

[ -z "$missing" ] || echo "still empty in $folder:$missing"
