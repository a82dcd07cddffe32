import fc from "fast-check";
import twilioLibrary from "twilio";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { FailureClass } from "../../src/channels/adapter.ts";
import { twilio } from "../../src/channels/sms/twilio.ts";
import { answer, anyAnswer, issuesOf, message, NOW } from "./provider-answers.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
});

afterEach(() => {
  vi.useRealTimers();
});

const SID = `AC${"0123456789abcdef".repeat(2)}`;
const SERVICE = `MG${"0123456789abcdef".repeat(2)}`;
const ACCOUNT = { accountSid: SID, authToken: "t0ken:with/colon", from: "+15005550006" };
const SMS = message({ to: "+8613800138000", text: "Acme: EUR 1.00 & more + 100% 付款成功 🎉\n", locale: "zh" });

/** A request as the official library hands it to its HTTP client. */
interface OfficialRequest {
  method: string;
  uri: string;
  username: string;
  password: string;
  headers: Record<string, string>;
  data: Record<string, unknown>;
}

async function officialRequest(options: {
  to: string;
  body: string;
  from?: string;
  messagingServiceSid?: string;
  validityPeriod?: number;
}): Promise<OfficialRequest> {
  const requests: OfficialRequest[] = [];
  const httpClient = {
    request(request: OfficialRequest) {
      requests.push(request);
      return Promise.resolve({ statusCode: 201, body: { sid: "SM1", status: "queued" }, headers: {} });
    },
  };
  await twilioLibrary(SID, ACCOUNT.authToken, { httpClient: httpClient as never }).messages.create(options);
  return requests[0]!;
}

describe("the request", () => {
  it.each([
    { name: "a number", account: ACCOUNT, sender: { from: ACCOUNT.from } },
    { name: "a name", account: { ...ACCOUNT, from: "Acme Pay" }, sender: { from: "Acme Pay" } },
    {
      name: "a service",
      account: { accountSid: SID, authToken: ACCOUNT.authToken, messagingServiceSid: SERVICE },
      sender: { messagingServiceSid: SERVICE },
    },
  ])("is the one that the official library sends from $name", async ({ account, sender }) => {
    const official = await officialRequest({ to: SMS.to, body: SMS.text, ...sender, validityPeriod: 3600 });
    const ours = twilio.prepare(SMS, account);
    expect(ours.url).toBe(official.uri);
    expect(official.method.toUpperCase()).toBe("POST");
    const fields = Object.entries(official.data).filter(([, value]) => value !== undefined);
    expect(Object.fromEntries(new URLSearchParams(ours.body))).toEqual(
      Object.fromEntries(fields.map(([name, value]) => [name, String(value)])),
    );
    expect(Buffer.from(ours.headers["authorization"]!.slice("Basic ".length), "base64").toString()).toBe(
      `${official.username}:${official.password}`,
    );
    expect(ours.headers["content-type"]).toBe(official.headers["Content-Type"]);
    expect(ours.headers["accept"]).toBe(official.headers["Accept"]);
    expect(ours.headers["user-agent"]).toBe("Paybell/0.1.0");
  });

  it.each([
    [1, "1"],
    [35_999, "35999"],
    [36_000, null],
    [100_000, null],
    [0, "1"],
    [-5, "1"],
  ])("of a message that is wanted for %i s more has the validity period %s", (seconds, validity) => {
    const { body } = twilio.prepare({ ...SMS, expiresAt: NOW / 1000 + seconds }, ACCOUNT);
    expect(new URLSearchParams(body).get("ValidityPeriod")).toBe(validity);
  });

  it("goes where the account says", () => {
    const { url } = twilio.prepare(SMS, { ...ACCOUNT, baseUrl: "http://127.0.0.1:4102/" });
    expect(url).toBe(`http://127.0.0.1:4102/2010-04-01/Accounts/${SID}/Messages.json`);
  });

  it("has no idempotency key: Twilio knows none", () => {
    expect(twilio.idempotencySeconds).toBeNull();
    expect(Object.keys(twilio.prepare(SMS, ACCOUNT).headers)).not.toContain("idempotency-key");
  });
});

/** https://www.twilio.com/docs/api/errors */
const ERRORS: [status: number, code: number, FailureClass][] = [
  [401, 20003, "config"],
  [403, 10001, "config"],
  [403, 20005, "config"],
  [404, 20404, "config"],
  [429, 20429, "throttled"],
  [400, 21211, "address_dead"],
  [400, 21212, "config"],
  [400, 21601, "config"],
  [403, 21408, "invalid"],
  [400, 21408, "invalid"],
  [400, 21606, "invalid"],
  [400, 21608, "invalid"],
  [400, 21610, "opted_out"],
  [429, 21611, "throttled"],
  [400, 21612, "invalid"],
  [400, 21614, "address_dead"],
  [400, 21617, "content"],
  [400, 21635, "address_dead"],
  [400, 21659, "invalid"],
  [400, 21660, "config"],
  [400, 21661, "config"],
  [400, 21701, "config"],
  [400, 21704, "config"],
  [400, 21705, "config"],
  [400, 30034, "invalid"],
  [429, 60728, "throttled"],
  [429, 63017, "throttled"],
  [429, 63038, "config"],
  [400, 99999, "invalid"],
  [401, 99999, "config"],
  [403, 99999, "config"],
  [429, 99999, "throttled"],
  [500, 20500, "transient"],
  [503, 21610, "transient"],
];

const FAILED: [code: number | null, FailureClass][] = [
  [30001, "throttled"],
  [30002, "config"],
  [30003, "address_busy"],
  [30004, "opted_out"],
  [30005, "address_dead"],
  [30006, "address_dead"],
  [30007, "content"],
  [30008, "ambiguous"],
  [30022, "throttled"],
  [30034, "invalid"],
  [30450, "address_busy"],
  [99999, "ambiguous"],
  [null, "ambiguous"],
];

describe("the answer", () => {
  it.each(["queued", "accepted", "sending", "sent", "scheduled", "delivered", "a_new_status", undefined])(
    "is a message when its status is %s",
    (status) => {
      expect(twilio.interpret(answer(201, { sid: "SM1", status, error_code: null }))).toEqual({ ok: true, id: "SM1" });
    },
  );

  it.each(["", "{}", "null", '{"sid":""}', '{"sid":5}', '{"sid":"SM1', "<html>"])(
    "says nothing of the message's fate when it is a 201 with %j",
    (body) => {
      expect(twilio.interpret(answer(201, body))).toMatchObject({ ok: false, class: "ambiguous" });
    },
  );

  it.each(FAILED)("of a message that failed at once with %s is %s", (error_code, failureClass) => {
    for (const status of ["failed", "undelivered"]) {
      const sent = twilio.interpret(answer(201, { sid: "SM1", status, error_code, error_message: "So it is." }));
      expect(sent).toEqual({ ok: false, class: failureClass, code: String(error_code ?? 201), detail: "So it is." });
    }
  });

  it.each(ERRORS)("%i %i is %s", (status, code, failureClass) => {
    const sent = twilio.interpret(answer(status, { code, message: "So it is.", more_info: "…", status }));
    expect(sent).toEqual({ ok: false, class: failureClass, code: String(code), detail: "So it is." });
  });

  it.each([
    [301, "transient"],
    [400, "invalid"],
    [401, "config"],
    [403, "config"],
    [404, "invalid"],
    [408, "ambiguous"],
    [429, "throttled"],
    [500, "transient"],
    [502, "transient"],
    [504, "ambiguous"],
    [520, "ambiguous"],
    [522, "ambiguous"],
    [524, "ambiguous"],
    [530, "transient"],
  ])("%i without a code is %s", (status, failureClass) => {
    const expected = { ok: false, class: failureClass, code: String(status), detail: `Twilio answered ${status}.` };
    expect(twilio.interpret(answer(status, "upstream"))).toEqual(expected);
  });

  it("asks for the pause that the header names", () => {
    const sent = twilio.interpret(answer(429, { code: 20429 }, { "retry-after": "7" }));
    expect(sent).toMatchObject({ class: "throttled", retryAfterMs: 7000 });
  });

  it("is never a success unless it is a 2xx with an id, whatever comes", () => {
    fc.assert(
      fc.property(anyAnswer, (given) => {
        const sent = twilio.interpret(given);
        expect(sent.ok && (given.status < 200 || given.status >= 300)).toBe(false);
        if (sent.ok) expect(sent.id).not.toBe("");
      }),
      { numRuns: 2000 },
    );
  });
});

describe("the account", () => {
  const service = { accountSid: SID, authToken: "t", messagingServiceSid: SERVICE };

  it.each([
    ACCOUNT,
    service,
    { ...ACCOUNT, from: "Acme" },
    { ...ACCOUNT, from: "12345" },
    { ...ACCOUNT, from: "4Acme Pay4U" },
    { ...ACCOUNT, baseUrl: "https://api.dublin.ie1.twilio.com" },
  ])("may be %j", (account) => {
    expect(issuesOf(twilio.account, account)).toEqual([]);
  });

  it.each([
    ["from", { ...ACCOUNT, messagingServiceSid: SERVICE }],
    ["from", { accountSid: SID, authToken: "t" }],
    ["from", { ...ACCOUNT, from: "5005550006" }],
    ["from", { ...ACCOUNT, from: "An Acme Company" }],
    ["from", { ...ACCOUNT, from: "Acme\n" }],
    ["from", { ...ACCOUNT, from: "+05005550006" }],
    ["accountSid", { ...ACCOUNT, accountSid: SID.toUpperCase() }],
    ["accountSid", { ...ACCOUNT, accountSid: `${SID}/../${SID}` }],
    ["accountSid", { ...ACCOUNT, accountSid: `${SID}\n` }],
    ["authToken", { ...ACCOUNT, authToken: "t\r\n" }],
    ["messagingServiceSid", { ...service, messagingServiceSid: "MG1" }],
    ["baseUrl", { ...ACCOUNT, baseUrl: "api.twilio.com" }],
    ["unrecognized_keys", { ...ACCOUNT, statusCallback: "https://example.com" }],
  ])("is refused for its %s: %j", (path, account) => {
    expect(issuesOf(twilio.account, account)).toContain(path);
  });
});
