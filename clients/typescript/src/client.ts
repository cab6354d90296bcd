// The interface of REEN, version 2, as its OpenAPI document types it: `npm run generate`.

import createClient, { type Client, type Middleware } from "openapi-fetch";

import type { components, paths } from "./api.js";

export type Amount = components["schemas"]["Money"];
export type Order = components["schemas"]["OrderView"];
export type Problem = components["schemas"]["Problem"];
export type Product = components["schemas"]["ProductView"];

/** What the gateway refused, and why. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(`${problem.status} ${problem.code}: ${problem.detail}`);
  }
}

/** One visitor of the shop. */
export class Shop {
  readonly #http: Client<paths>;
  #token: string | undefined;

  constructor(gateway: string) {
    this.#http = createClient<paths>({ baseUrl: gateway });
    const authorise: Middleware = {
      onRequest: ({ request }) => {
        if (this.#token !== undefined) {
          request.headers.set("authorization", `Bearer ${this.#token}`);
        }
        return request;
      },
    };
    this.#http.use(authorise);
  }

  async signUp(name: string, email: string, password: string): Promise<void> {
    const body = { name, email, password };
    const session = given(await this.#http.POST("/api/v2/auth/sign-up", { body }));
    this.#token = session.accessToken;
  }

  /** Every product of the catalogue, page after page. */
  async *products(limit: number): AsyncGenerator<Product> {
    let cursor: string | null = null;
    do {
      const query = cursor === null ? { limit } : { limit, cursor };
      const page: { items: Product[]; nextCursor: string | null } = given(
        await this.#http.GET("/api/v2/products", { params: { query } }),
      );
      yield* page.items;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  async addToCart(productId: string, quantity: number): Promise<void> {
    given(await this.#http.POST("/api/v2/cart-items", { body: { productId, quantity } }));
  }

  async checkOut(key: string): Promise<{ checkoutId: string; stripeSessionUrl: string }> {
    const header = { "Idempotency-Key": key };
    return given(await this.#http.POST("/api/v2/checkout", { params: { header } }));
  }

  /** The order that a checkout became, once it did. */
  async order(checkoutId: string): Promise<Order | undefined> {
    const checkout = given(
      await this.#http.GET("/api/v2/checkout/{id}", { params: { path: { id: checkoutId } } }),
    );
    if (checkout.orderId == null) {
      return undefined;
    }
    const path = { id: checkout.orderId };
    return given(await this.#http.GET("/api/v2/orders/{id}", { params: { path } }));
  }
}

/** The body of an answer, or the problem thrown. */
function given<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) {
    throw new Refused(answer.error as Problem);
  }
  return answer.data;
}
