// Why no answer came, in our words. What workerd says was tried with each case (test/platform/exchange.test.ts); it
// says the same of several. What Cloudflare's edge answers in a host's place is what its documentation says:
// https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/

/** Why no answer came, or not all of it. */
const TEXTS = {
  timed_out: "No full answer came in time.",
  name_not_found: "The host name cannot be found: there is no such name in DNS.",
  name_or_tls: "The host name cannot be found in DNS, or no TLS connection can be made: look at its certificate.",
  tls_failed: "No TLS connection can be made: the certificate is invalid, or the port does not speak TLS.",
  connection_refused: "The host refused the connection.",
  connection_lost: "The host refused the connection, or broke it off before it answered.",
  unreachable: "The host cannot be reached.",
  answer_cut_off: "The connection broke off in the middle of the answer.",
  network_error: "The connection failed.",
} as const;

type ConnectionCode = keyof typeof TEXTS;

/** A fault of the network: what kind, a code for programs and a sentence for people. */
export interface ConnectionFault {
  class: "timeout" | "connection";
  code: ConnectionCode;
  error: string;
}

/**
 * What an exception of `fetch` means. Workers say "internal error" where a name is not found or TLS fails, "Network
 * connection lost." of whatever breaks a connection. `isAnswering`: the head of the answer had come.
 */
export function faultOf(
  thrown: unknown,
  { url, isAnswering, timeoutSeconds }: { url: string; isAnswering: boolean; timeoutSeconds: number },
): ConnectionFault {
  const { name, message } = thrown instanceof Error ? thrown : { name: "", message: String(thrown) };
  if (name === "TimeoutError") {
    return { ...fault("timed_out"), error: `No full answer came within ${timeoutSeconds} s.` };
  }
  if (isAnswering) return fault("answer_cut_off");
  if (/connection (?:was )?lost|disconnected|reset/i.test(message)) return fault("connection_lost");
  if (/refused/i.test(message)) return fault("connection_refused");
  if (/^internal error/i.test(message)) return fault(url.startsWith("https:") ? "name_or_tls" : "name_not_found");
  return fault("network_error");
}

/** What Cloudflare's edge answers in the place of a host that it gets no answer from, by status. */
const EDGE: Record<number, ConnectionCode> = {
  520: "connection_lost",
  521: "connection_refused",
  522: "timed_out",
  523: "unreachable",
  524: "timed_out",
  525: "tls_failed",
  526: "tls_failed",
  530: "name_not_found",
};

/**
 * What an answer means that did not come from the host, but from Cloudflare's edge, which did not reach it: so an
 * unknown name is 530 with the body "error code: 1016". Null: the answer is the host's own.
 */
export function edgeFaultOf(status: number, headers: Pick<Headers, "get">, body: string): ConnectionFault | null {
  const code = Object.hasOwn(EDGE, status) ? EDGE[status] : undefined;
  const isEdge = headers.get("server") === "cloudflare" && /^error code: \d{3,4}\s*$/.test(body);
  return code !== undefined && isEdge ? fault(code) : null;
}

function fault(code: ConnectionCode): ConnectionFault {
  return { class: code === "timed_out" ? "timeout" : "connection", code, error: TEXTS[code] };
}
