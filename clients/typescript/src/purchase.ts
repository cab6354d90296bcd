// One purchase: a new visitor finds the dearest product, buys two of it, pays, and waits for the order, which
// is printed as JSON. REEN_GATEWAY and REEN_STRIPE say where the gateway and the Stripe stand-in are.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

import { type Amount, type Order, type Product, Shop } from "./client.js";

const CARD = "4242424242424242";
const PIECES = 2;
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 100;

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set`);
  }
  return value;
}

async function dearest(shop: Shop): Promise<Product> {
  let found: Product | undefined;
  for await (const product of shop.products(1)) {
    if (found === undefined || product.price.amount > found.price.amount) {
      found = product;
    }
  }
  if (found === undefined) {
    throw new Error("the catalogue is empty");
  }
  return found;
}

/** Pays as the page of the Stripe stand-in does. */
async function pay(stripe: string, page: string): Promise<void> {
  const session = new URL(page).pathname.split("/").at(-1);
  const answer = await fetch(`${stripe}/sim/sessions/${session}/pay`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ card: CARD }),
  });
  if (!answer.ok) {
    throw new Error(`the card was refused: ${answer.status} ${await answer.text()}`);
  }
}

async function orderOf(shop: Shop, checkoutId: string): Promise<Order> {
  const patience = Date.now() + PATIENCE_MS;
  while (Date.now() < patience) {
    const order = await shop.order(checkoutId);
    if (order !== undefined) {
      return order;
    }
    await pause(LOOK_EVERY_MS);
  }
  throw new Error("the checkout became no order");
}

function times(amount: Amount, pieces: number): number {
  return amount.amount * pieces;
}

const shop = new Shop(setting("REEN_GATEWAY"));
const visitor = randomUUID();
await shop.signUp("Ada Lovelace", `${visitor}@reen.example`, "correct horse battery");
const product = await dearest(shop);
await shop.addToCart(product.id, PIECES);
const checkout = await shop.checkOut(visitor);
await pay(setting("REEN_STRIPE"), checkout.stripeSessionUrl);
const order = await orderOf(shop, checkout.checkoutId);
if (order.total.amount !== times(product.price, PIECES)) {
  throw new Error(`${PIECES} pieces cost ${order.total.amount}`);
}
console.log(JSON.stringify(order));
