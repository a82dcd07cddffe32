import { gateKey } from "./keys.ts";

/** The object that watches an endpoint of a merchant. */
export async function gateOf(env: Env, merchant: string, endpoint: string) {
  return env.ENDPOINT_GATE.getByName(await gateKey(merchant, endpoint));
}

/** The endpoint is gone, or about to go: its gate forgets it. */
export async function forgetGate(env: Env, merchant: string, endpoint: string): Promise<void> {
  await (await gateOf(env, merchant, endpoint)).forget();
}
