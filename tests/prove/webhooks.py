"""Signs and verifies webhooks with Stripe's and Svix's own libraries.

Reads a JSON list of questions on its standard input and prints the list of answers. A question names the
`party` and what to `do`: `sign` answers the headers, `verify` answers whether they prove the body.
"""

import datetime
import json
import sys

import stripe
import svix.webhooks


def sign_as_stripe(asked):
    header = stripe.WebhookSignature.generate_signature_header(
        asked["body"], asked["secret"], asked["time"]
    )
    return {"stripe-signature": header}


def verify_as_stripe(asked):
    try:
        stripe.Webhook.construct_event(
            asked["body"], asked["headers"].get("stripe-signature"), asked["secret"]
        )
        return True
    except stripe.SignatureVerificationError:
        return False


def sign_as_svix(asked):
    time = datetime.datetime.fromtimestamp(asked["time"], datetime.timezone.utc)
    webhook = svix.webhooks.Webhook(asked["secret"])
    return {
        "svix-id": asked["id"],
        "svix-timestamp": str(asked["time"]),
        "svix-signature": webhook.sign(asked["id"], time, asked["body"]),
    }


def verify_as_svix(asked):
    try:
        svix.webhooks.Webhook(asked["secret"]).verify(asked["body"], asked["headers"])
        return True
    except svix.webhooks.WebhookVerificationError:
        return False


ANSWERS = {
    ("stripe", "sign"): sign_as_stripe,
    ("stripe", "verify"): verify_as_stripe,
    ("svix", "sign"): sign_as_svix,
    ("svix", "verify"): verify_as_svix,
}

questions = json.load(sys.stdin)
json.dump([ANSWERS[asked["party"], asked["do"]](asked) for asked in questions], sys.stdout)
