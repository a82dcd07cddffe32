import ipaddr from "ipaddr.js";

/** An installation has a few hosts. Those that come first stay: nobody pushes them out. */
const MAX_SEEN = 100;

/** The hosts that this isolate was asked under. */
const seen = new Set<string>();

/** The origin that was noted last: nearly all requests come to one, and it is not read again each time. */
let lastOrigin = "";

/** Remembers the host of a request: what is sent there would come back here. */
export function noteOwnHost(requestUrl: string): void {
  const end = requestUrl.indexOf("/", "https://".length);
  const origin = end === -1 ? requestUrl : requestUrl.slice(0, end);
  if (origin !== lastOrigin && seen.size < MAX_SEEN) {
    lastOrigin = origin;
    seen.add(placeOf(new URL(requestUrl)));
  }
}

/** Where others reach this Paybell, without a slash at its end: `PUBLIC_URL`, else where the request came in. */
export function publicOrigin(env: Pick<Env, "PUBLIC_URL">, requestUrl: string): string {
  return new URL(URL.canParse(env.PUBLIC_URL) ? env.PUBLIC_URL : requestUrl).origin;
}

/** What the URL guard has to know of this installation. */
export function urlRules(env: Pick<Env, "ALLOW_PRIVATE_ENDPOINTS" | "PUBLIC_URL">) {
  return {
    allowPrivate: env.ALLOW_PRIVATE_ENDPOINTS === "true",
    isOwn: (url: URL) => {
      const place = placeOf(url);
      return seen.has(place) || (URL.canParse(env.PUBLIC_URL) && place === placeOf(new URL(env.PUBLIC_URL)));
    },
  };
}

/**
 * What a URL leads to: a name leads to the same on every port, since Cloudflare serves a Worker on several
 * (https://developers.cloudflare.com/fundamentals/reference/network-ports/); on this machine and in its network each
 * port is somebody else.
 */
function placeOf({ protocol, hostname, port }: URL): string {
  const name = hostname.replace(/\.$/, "");
  const isAddress = name.startsWith("[") || ipaddr.IPv4.isValid(name);
  const isLocal = /(?:^|\.)localhost$/.test(name) || (isAddress && isLoopback(name));
  const portOrOwn = port || (protocol === "https:" ? "443" : "80");
  return isLocal ? `localhost:${portOrOwn}` : isAddress ? `${name}:${portOrOwn}` : name;
}

function isLoopback(address: string): boolean {
  return ipaddr.process(address.replace(/^\[|\]$/g, "")).range() === "loopback";
}
