// Which URLs Paybell posts to. Workers resolve names themselves and cannot pin a connection to an address, so this
// guards what can be told from the URL; a public name that resolves to a private address is contained by the network
// that the request leaves from, and redirects are never followed. Pure: no look-ups. Ask it before every attempt.

import ipaddr from "ipaddr.js";

const MAX_URL_LENGTH = 2048;
const MAX_HOST_LENGTH = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Names that end so never lead to a merchant's public server: RFC 6761, 6762, 7686, 8375, 9476; ICANN; common use. */
const PRIVATE_SUFFIXES = [
  "alt",
  "arpa",
  "corp",
  "home",
  "internal",
  "intranet",
  "invalid",
  "lan",
  "local",
  "localdomain",
  "localhost",
  "mail",
  "onion",
  "private",
  "test",
  // Inside clusters: Kubernetes writes `{service}.{namespace}.svc`, by its search path also without the `svc`
  // (https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/); then Consul, Nomad, Docker, Mesos, LXD.
  "cluster",
  "consul",
  "default",
  "docker",
  "incus",
  "k8s",
  "lxd",
  "mesos",
  "nomad",
  "pod",
  "svc",
  // Inside companies and homes.
  "dmz",
  "domain",
  "gateway",
  "intern",
  "intra",
  "lcl",
  "localnet",
  "priv",
  "router",
  "workgroup",
];

/** A top-level domain is of letters alone, or `xn--` (ICANN Applicant Guidebook, 2.2.1.3.2): never `kube-system`. */
const TOP_LEVEL = /^(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$/;

/** Workers: a request to another Worker of the operator's account would go around every front door. */
const REFUSED_ZONES = ["workers.dev"];

/** From 1024 on, what browsers refuse too (https://fetch.spec.whatwg.org/#port-blocking): these are no web servers. */
const BAD_PORTS = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

/** Literal addresses that `allowPrivate` lets through, by the names that ipaddr.js gives their ranges. */
const PRIVATE_RANGES = new Set(["loopback", "private", "uniqueLocal"]);

export type UrlCheck = { ok: true; url: URL } | { ok: false; code: UrlRefusal; message: string };

const MESSAGES = {
  url_too_long: `A URL has at most ${MAX_URL_LENGTH} characters.`,
  url_malformed: "This is not an absolute URL.",
  url_scheme: "The URL must begin with https://.",
  url_user_info: "The URL must hold no user name or password; use a header instead.",
  url_fragment: "The URL must have no fragment: it would never be sent.",
  url_port: "The port must be 443, or from 1024 and not one that browsers refuse.",
  url_ip_literal: "The host must be a name, not an IP address.",
  url_private_name: "The host must be a public name.",
  url_own_host: "This is Paybell itself: an event sent here would come back without end.",
  url_refused_zone: "Hosts under workers.dev are refused; use a domain of your own.",
} as const;

/** Why a URL is refused. */
type UrlRefusal = keyof typeof MESSAGES;

/**
 * Whether Paybell may post to a URL. Judges what the WHATWG parser makes of it, which is what `fetch` uses, so every
 * spelling of an address counts as that address. Never throws. `message` is for the merchant.
 *
 * Ports below 1024 other than 443 belong to other protocols (mail, shells, directories), which should never be sent a
 * request by us; from 1024 on people do run web servers.
 *
 * `allowPrivate`, for development only, also admits http, `localhost`, and literal loopback and private addresses; it
 * loosens nothing else. `isOwn`: whether a URL leads to Paybell itself.
 */
export function checkUrl(
  url: string,
  { allowPrivate, isOwn }: { allowPrivate: boolean; isOwn?: (url: URL) => boolean },
): UrlCheck {
  if (url.length > MAX_URL_LENGTH) return refused("url_too_long");
  // The parser drops or rewrites these; other parsers read something else into them.
  if (/[\s\\\p{Cc}]/u.test(url) || !URL.canParse(url)) return refused("url_malformed");
  const parsed = new URL(url);
  if (parsed.href.length > MAX_URL_LENGTH) return refused("url_too_long");
  if (parsed.protocol !== "https:" && !(allowPrivate && parsed.protocol === "http:")) return refused("url_scheme");
  // The parser forgets an empty user name or fragment, so the text is asked too.
  if (parsed.username !== "" || parsed.password !== "" || /^[^/?#]*\/*[^/?#]*@/.test(url)) {
    return refused("url_user_info");
  }
  // The parser makes one of `https:example.com` and `https:///example.com`.
  if (!/^https?:\/\/[^/?#]/i.test(url)) return refused("url_malformed");
  if (url.includes("#")) return refused("url_fragment");
  if (!isAllowedPort(parsed.port)) return refused("url_port");
  const refusal = checkHost(parsed.hostname, allowPrivate);
  if (refusal !== null) return refused(refusal);
  return isOwn?.(parsed) ? refused("url_own_host") : { ok: true, url: parsed };
}

/** `port`: as the parser gives it, empty for the scheme's own. */
function isAllowedPort(port: string): boolean {
  return port === "" || port === "443" || (Number(port) >= 1024 && !BAD_PORTS.has(Number(port)));
}

function checkHost(hostname: string, allowPrivate: boolean): UrlRefusal | null {
  const name = hostname.replace(/\.$/, "");
  const isIp = name.startsWith("[") || ipaddr.IPv4.isValid(name);
  if (isIp) return allowPrivate && isPrivateAddress(name.replace(/^\[|\]$/g, "")) ? null : "url_ip_literal";
  const labels = name.split(".");
  if (name.length > MAX_HOST_LENGTH || !labels.every((label) => LABEL.test(label))) return "url_malformed";
  const isLocalhost = labels.at(-1) === "localhost";
  if (isLocalhost && allowPrivate) return null;
  const top = labels.at(-1)!;
  if (labels.length === 1 || PRIVATE_SUFFIXES.includes(top) || !TOP_LEVEL.test(top)) return "url_private_name";
  return REFUSED_ZONES.some((zone) => name === zone || name.endsWith(`.${zone}`)) ? "url_refused_zone" : null;
}

/** Loopback and private ranges alone: not link-local (cloud metadata), shared, multicast, reserved or unspecified. */
function isPrivateAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  return PRIVATE_RANGES.has(ipaddr.process(address).range());
}

function refused(code: UrlRefusal): UrlCheck {
  return { ok: false, code, message: MESSAGES[code] };
}
