import { providerOf } from "../../src/providers/index.ts";

/** Verifies the request so often as its path says, with the provider that it names: `/stripe/2000`. */
export default {
  async fetch(request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const { headers, url } = request;
    const [, name, times] = pathname.split("/") as [string, string, string];
    const provider = providerOf(name)!;
    const signed = { body: new Uint8Array(await request.arrayBuffer()), headers, url };
    const [secret, now] = [searchParams.get("secret")!, Number(searchParams.get("now"))];
    const config = JSON.parse(searchParams.get("config") ?? "{}") as Record<string, unknown>;
    let verdict = "none";
    for (let n = Number(times); n > 0; n--) {
      const verification = await provider.verify(signed, [secret], { now, config });
      verdict = verification.ok ? "verified" : verification.reason;
    }
    return new Response(verdict);
  },
} satisfies ExportedHandler;
