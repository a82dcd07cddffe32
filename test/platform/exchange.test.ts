import { describe, expect, inject, it } from "vitest";

import { edgeFaultOf } from "../../src/platform/connection-error.ts";
import { exchange } from "../../src/platform/exchange.ts";

const post = (path: string, timeoutSeconds: number) =>
  exchange({ url: `${inject("receiver")}${path}`, headers: {}, body: "{}", timeoutSeconds });

describe("an exchange", () => {
  it.each([
    ["stops in the middle of its body", "/stalls"],
    ["never comes to the end of its body", "/trickles"],
  ])("ends at its timeout, though the head of the answer came in time: it %s", async (_, path) => {
    const before = Date.now();
    expect(await post(path, 0.5)).toEqual({
      answered: false,
      class: "timeout",
      code: "timed_out",
      error: "No full answer came within 0.5 s.",
    });
    expect(Date.now() - before).toBeGreaterThanOrEqual(490);
  });

  it("reads no more than the start of an answer, however much it becomes when it is inflated", async () => {
    const result = await post("/inflates", 5);
    expect(result).toMatchObject({ answered: true, status: 200 });
    expect(new TextDecoder().decode("bytes" in result ? result.bytes : undefined)).toBe("0".repeat(16_384));
  });
});

/** What workerd makes of each, in words of ours: over real sockets of loopback. */
describe("an exchange without an answer says why", () => {
  const receiver = inject("receiver");
  const secure = receiver.replace("http:", "https:");

  it.each<[string, string, string]>([
    ["no such name", "http://no-such-host.invalid/", "name_not_found"],
    ["no such name, or no TLS", "https://no-such-host.invalid/", "name_or_tls"],
    ["TLS to a port that speaks none", `${secure}/`, "name_or_tls"],
    ["a port that nobody listens on", "http://127.0.0.1:1/", "connection_lost"],
    ["a reset", `${receiver}/resets`, "connection_lost"],
    ["a connection that is closed", `${receiver}/hangs-up`, "connection_lost"],
    ["an answer that breaks off", `${receiver}/cuts-off`, "answer_cut_off"],
  ])("%s", async (_, url, code) => {
    const result = await exchange({ url, headers: {}, body: "{}", timeoutSeconds: 10 });
    expect(result).toEqual({
      answered: false,
      class: "connection",
      code,
      error: expect.stringMatching(/^The .*\.$|^No .*\.$/),
    });
    expect(JSON.stringify(result)).not.toMatch(/internal error|reference|Network connection/);
  });
});

describe("what Cloudflare's edge answers in a host's place", () => {
  const edge = new Headers({ server: "cloudflare" });
  it.each<[number, Headers, string, string | null]>([
    [530, edge, "error code: 1016", "name_not_found"],
    [525, edge, "error code: 525", "tls_failed"],
    [526, edge, "error code: 526\n", "tls_failed"],
    [521, edge, "error code: 521", "connection_refused"],
    [522, edge, "error code: 522", "timed_out"],
    [530, edge, '{"error":"ours"}', null],
    [530, new Headers(), "error code: 1016", null],
    [500, edge, "error code: 500", null],
  ])("%i %s %s is %s", (status, headers, body, code) => {
    expect(edgeFaultOf(status, headers, body)?.code ?? null).toBe(code);
  });
});
