import { stripe } from "../../src/providers/stripe.ts";

/** Verifies the request so often as its path says. */
export default {
  async fetch(request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const { headers, url } = request;
    const signed = { body: new Uint8Array(await request.arrayBuffer()), headers, url };
    const [secret, now] = [searchParams.get("secret")!, Number(searchParams.get("now"))];
    for (let n = Number(pathname.slice(1)); n > 0; n--) {
      const verification = await stripe.verify(signed, [secret], { now });
      if (!verification.ok) return new Response(verification.reason, { status: 401 });
    }
    return new Response("verified");
  },
} satisfies ExportedHandler;
