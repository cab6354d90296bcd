"""Sells something at Stripe's stand-in with Stripe's own client, as a shop would at Stripe.

Reads `{"base": …, "key": …}` on its standard input and prints what came of it.
"""

import json
import sys
import urllib.request

import stripe

asked = json.load(sys.stdin)
client = stripe.StripeClient(
    asked["key"], base_addresses={"api": asked["base"]}, max_network_retries=0
)


def open_session(key):
    line = {
        "quantity": 2,
        "price_data": {
            "currency": "usd",
            "unit_amount": 1250,
            "product_data": {"name": "Brass lamp"},
        },
    }
    params = {
        "mode": "payment",
        "line_items": [line],
        "success_url": "https://shop.example/thanks",
        "cancel_url": "https://shop.example/cart",
        "metadata": {"checkout_id": "66f0c0ffee66f0c0ffee66f0"},
    }
    return client.v1.checkout.sessions.create(params, {"idempotency_key": key})


def pay(session):
    request = urllib.request.Request(
        f"{asked['base']}/sim/sessions/{session.id}/pay",
        data=json.dumps({"card": "4242424242424242"}).encode(),
        headers={"content-type": "application/json"},
    )
    urllib.request.urlopen(request).close()


def refusal(attempt):
    try:
        attempt()
    except stripe.StripeError as error:
        return [type(error).__name__, error.http_status]
    return None


session = open_session("key-1")
again = open_session("key-1")
pay(session)
paid = client.v1.checkout.sessions.retrieve(session.id)
refund = client.v1.refunds.create({"payment_intent": paid.payment_intent, "amount": 1000})
abandoned = open_session("key-2")
expired = client.v1.checkout.sessions.expire(abandoned.id)
stranger = stripe.StripeClient("no-key-at-all", base_addresses={"api": asked["base"]})

json.dump(
    {
        "same_session": session.id == again.id,
        "paid": [paid.status, paid.payment_status, paid.amount_total],
        "metadata": paid.metadata.to_dict(),
        "refund": [refund.status, refund.amount],
        "too_much": refusal(
            lambda: client.v1.refunds.create(
                {"payment_intent": paid.payment_intent, "amount": 9999}
            )
        ),
        "expired": expired.status,
        "nobody": refusal(lambda: client.v1.checkout.sessions.retrieve("cs_test_nobody")),
        "stranger": refusal(lambda: stranger.v1.checkout.sessions.retrieve(session.id)),
    },
    sys.stdout,
)
