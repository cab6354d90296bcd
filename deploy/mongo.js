// Makes the replica set, and for each database a user who may do what its service does there, and nothing anywhere
// else. It is run at every start and changes what is different: a user's password is the one in its service's URL.
//
//   mongosh --nodb --quiet --file mongo.js

const fs = require("fs");

const SECRETS = process.env.SECRETS_DIR || "/run/secrets";
const HOST = process.env.MONGO_HOST || "mongo:27017";
const REPLICA_SET = "rs0";
const ALREADY_INITIALIZED = 23;
const ROLE = "service";

const secret = (name) => fs.readFileSync(`${SECRETS}/${name}`, "utf8").trim();

function connect() {
  const password = encodeURIComponent(secret("mongo_root_password"));
  return new Mongo(`mongodb://root:${password}@${HOST}/?directConnection=true`);
}

function makeReplicaSet(admin) {
  const members = [{ _id: 0, host: HOST }];
  try {
    admin.adminCommand({ replSetInitiate: { _id: REPLICA_SET, members } });
  } catch (error) {
    if (error.code !== ALREADY_INITIALIZED) throw error;
  }
  while (!admin.hello().isWritablePrimary) sleep(100);
}

// readWrite lacks what the products service needs to keep the law of the stock in its collection's schema.
function makeRole(database) {
  const role = {
    privileges: [{ resource: { db: database.getName(), collection: "" }, actions: ["collMod"] }],
    roles: [{ role: "readWrite", db: database.getName() }],
  };
  if (database.getRole(ROLE)) database.updateRole(ROLE, role);
  else database.createRole({ role: ROLE, ...role });
}

function makeUser(database, name, pwd) {
  const user = { pwd, roles: [{ role: ROLE, db: database.getName() }] };
  if (database.getUser(name)) database.updateUser(name, user);
  else database.createUser({ user: name, ...user });
}

const server = connect();
makeReplicaSet(server.getDB("admin"));
for (const file of fs.readdirSync(SECRETS).filter((name) => name.endsWith("_database_url"))) {
  const url = new URL(secret(file));
  const database = server.getDB(url.pathname.slice(1));
  makeRole(database);
  makeUser(database, decodeURIComponent(url.username), decodeURIComponent(url.password));
  print(`${url.username} may use ${database.getName()}`);
}
