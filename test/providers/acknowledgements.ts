import type { Acknowledgement } from "../../src/providers/provider.ts";

/** An answer byte for byte. */
interface Answer {
  status: number;
  body: string;
  headers: Record<string, string>;
}

const TEXT = { "content-type": "text/plain;charset=UTF-8" };
const JSON_TYPE = { "content-type": "application/json" };
const TAKEN: Answer = { status: 200, body: "", headers: {} };

/** What most providers hear. */
const PLAIN: Record<Acknowledgement, Answer> = {
  accepted: TAKEN,
  duplicate: TAKEN,
  unparseable: TAKEN,
  "bad-signature": { status: 401, body: "bad signature\n", headers: TEXT },
  unavailable: { status: 503, body: "unavailable\n", headers: { ...TEXT, "retry-after": "30" } },
};

/** Where a provider wants to hear something else. */
const DIFFERENT: Record<string, Partial<Record<Acknowledgement, Answer>>> = {
  adyen: taken({ status: 200, body: "[accepted]", headers: TEXT }),
  alipay: {
    ...taken({ status: 200, body: "success", headers: TEXT }),
    "bad-signature": { status: 401, body: "fail", headers: TEXT },
    unavailable: { status: 503, body: "fail", headers: TEXT },
  },
  gocardless: {
    ...taken({ status: 204, body: "", headers: {} }),
    "bad-signature": { status: 498, body: "bad signature\n", headers: TEXT },
  },
  wechatpay: {
    ...taken({ status: 204, body: "", headers: {} }),
    "bad-signature": { status: 401, body: '{"code":"FAIL","message":"bad-signature"}', headers: JSON_TYPE },
    unavailable: { status: 503, body: '{"code":"FAIL","message":"unavailable"}', headers: JSON_TYPE },
  },
  worldpay: { "bad-signature": { status: 400, body: "bad signature\n", headers: TEXT } },
};

/** An answer to all that is not to come again. */
function taken(answer: Answer) {
  return { accepted: answer, duplicate: answer, unparseable: answer };
}

/** What a provider has to be told of each outcome. */
export function answersOf(provider: string): Record<Acknowledgement, Answer> {
  return { ...PLAIN, ...DIFFERENT[provider] };
}
