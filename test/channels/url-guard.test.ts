import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkUrl } from "../../src/channels/url-guard.ts";

/** The verdict in production and in development. */
function verdicts(url: string): [string, string] {
  const verdict = (allowPrivate: boolean) => {
    const checked = checkUrl(url, { allowPrivate });
    return checked.ok ? "ok" : checked.code;
  };
  return [verdict(false), verdict(true)];
}

describe("everywhere", () => {
  it.each([
    "https://example.com",
    "https://example.com/hooks?a=b&c=%20d",
    "HTTPS://EXAMPLE.COM/",
    "https://example.com:443/",
    "https://example.com:8443/",
    "https://example.com:65535/",
    "https://example.com./",
    "https://my_shop.example.com/a@b",
    "https://bücher.example.com/",
    "https://xn--bcher-kva.example.com/",
    "https://ｅｘａｍｐｌｅ.com/",
    "https://1.example.com/",
    "https://127.0.0.1.example.com/",
    "https://localhost.example.com/",
    "https://workers.dev.example.com/",
    "https://notworkers.dev/",
    `https://example.com/${"a".repeat(2028)}`,
  ])("admits %s", (url) => {
    expect(verdicts(url)).toEqual(["ok", "ok"]);
  });

  it.each([
    ["", "url_malformed"],
    ["example.com", "url_malformed"],
    ["//example.com", "url_malformed"],
    ["https://", "url_malformed"],
    ["https:example.com", "url_malformed"],
    ["https:/example.com", "url_malformed"],
    ["https:///example.com/", "url_malformed"],
    [" https://example.com", "url_malformed"],
    ["https://example.com/ a", "url_malformed"],
    ["https://exam\tple.com", "url_malformed"],
    ["https://exam\nple.com", "url_malformed"],
    ["https:\\\\example.com", "url_malformed"],
    ["https://example.com\\@evil.example.org", "url_malformed"],
    ["https://exa mple.com", "url_malformed"],
    ["https://exam%00ple.com", "url_malformed"],
    ["https://example..com", "url_malformed"],
    ["https://example.com..", "url_malformed"],
    ["https://.example.com", "url_malformed"],
    ["https://-a.example.com", "url_malformed"],
    ["https://*.example.com", "url_malformed"],
    ["https://a$b.example.com", "url_malformed"],
    [`https://${"a".repeat(64)}.com`, "url_malformed"],
    [`https://${"a.".repeat(126)}com`, "url_malformed"],
    ["https://1.2.3.4.5", "url_malformed"],
    ["https://256.1.1.1", "url_malformed"],
    ["https://1.1.1.1..", "url_malformed"],
    ["https://[::1%25eth0]/", "url_malformed"],
    ["https://[fe80::1%eth0]/", "url_malformed"],
    ["https://[::1", "url_malformed"],
    ["https://[1.2.3.4]/", "url_malformed"],
    ["https://example.com:99999", "url_malformed"],
    ["ftp://example.com", "url_scheme"],
    ["ws://example.com", "url_scheme"],
    ["wss://example.com", "url_scheme"],
    ["file:///etc/passwd", "url_scheme"],
    ["data:text/plain,hi", "url_scheme"],
    ["javascript:alert(1)", "url_scheme"],
    ["blob:https://example.com/1", "url_scheme"],
    ["https://user@example.com", "url_user_info"],
    ["https://user:pass@example.com", "url_user_info"],
    ["https://:pass@example.com", "url_user_info"],
    ["https://@example.com", "url_user_info"],
    ["https://:@example.com", "url_user_info"],
    ["https:@example.com", "url_user_info"],
    ["https://example.com@127.0.0.1/", "url_user_info"],
    ["https://example.com/#top", "url_fragment"],
    ["https://example.com/#", "url_fragment"],
    ["https://example.com:0", "url_port"],
    ["https://example.com:22", "url_port"],
    ["https://example.com:25", "url_port"],
    ["https://example.com:80", "url_port"],
    ["https://example.com:1023", "url_port"],
    ["https://example.com:6000", "url_port"],
    ["https://example.com:6667", "url_port"],
    ["https://shop", "url_private_name"],
    ["https://com.", "url_private_name"],
    ["https://printer.local", "url_private_name"],
    ["https://PRINTER.LOCAL.", "url_private_name"],
    ["https://metadata.google.internal/", "url_private_name"],
    ["https://router.home.arpa", "url_private_name"],
    ["https://1.0.0.127.in-addr.arpa", "url_private_name"],
    ["https://nas.lan", "url_private_name"],
    ["https://billing.shop.svc", "url_private_name"],
    ["https://billing.shop.SVC.", "url_private_name"],
    ["https://billing.shop.svc.cluster", "url_private_name"],
    ["https://kubernetes.default", "url_private_name"],
    ["https://kube-dns.kube-system", "url_private_name"],
    ["https://billing.shop.pod", "url_private_name"],
    ["https://billing.service.consul", "url_private_name"],
    ["https://billing.service.dc1.consul", "url_private_name"],
    ["https://web.docker", "url_private_name"],
    ["https://wiki.intra", "url_private_name"],
    ["https://host.node1", "url_private_name"],
    ["https://a._tcp", "url_private_name"],
    ["https://a.b", "url_private_name"],
    ["https://wiki.corp", "url_private_name"],
    ["https://nas.home", "url_private_name"],
    ["https://a.test", "url_private_name"],
    ["https://a.invalid", "url_private_name"],
    ["https://a.onion", "url_private_name"],
    ["https://a.ｌｏｃａｌ", "url_private_name"],
    ["https://localhost.localdomain", "url_private_name"],
    ["https://workers.dev", "url_refused_zone"],
    ["https://hook.me.workers.dev/a", "url_refused_zone"],
    ["https://hook.me.WORKERS.dev./a", "url_refused_zone"],
    [`https://example.com/${"a".repeat(2029)}`, "url_too_long"],
    [`https://example.com/${"ü".repeat(1000)}`, "url_too_long"],
  ])("refuses %j: %s", (url, code) => {
    expect(verdicts(url)).toEqual([code, code]);
  });
});

describe("literal addresses", () => {
  it.each([
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://１２７.０.０.１/",
    "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/",
    "https://①②⑦.0.0.1/",
    "https://127.255.255.254/",
    "https://10.1.2.3/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[0000::0001]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::FFFF:10.0.0.1]/",
    "https://[fc00::1]/",
    "https://[fd12:3456:789a::1]/",
  ])("admits loopback and private ones in development alone: %s", (url) => {
    expect(verdicts(url)).toEqual(["url_ip_literal", "ok"]);
  });

  it.each([
    ["public", "https://1.1.1.1/"],
    ["public", "https://16843009/"],
    ["public", "https://0x01010101/"],
    ["public", "https://[2606:4700:4700::1111]/"],
    ["public, mapped", "https://[::ffff:1.1.1.1]/"],
    ["unspecified", "https://0.0.0.0/"],
    ["unspecified", "https://0/"],
    ["this network", "https://0.1.2.3/"],
    ["unspecified", "https://[::]/"],
    ["unspecified, mapped", "https://[::ffff:0.0.0.0]/"],
    ["link-local, metadata", "https://169.254.169.254/latest/meta-data/"],
    ["link-local, metadata", "https://[::ffff:169.254.169.254]/"],
    ["link-local, metadata", "https://0xa9fea9fe/"],
    ["link-local", "https://[fe80::1]/"],
    ["site-local", "https://[fec0::1]/"],
    ["documentation", "https://[2001:db8::1]/"],
    ["shared", "https://100.64.0.1/"],
    ["shared, metadata", "https://100.100.100.200/"],
    ["protocol assignments", "https://192.0.0.1/"],
    ["documentation", "https://192.0.2.1/"],
    ["documentation", "https://198.51.100.1/"],
    ["documentation", "https://203.0.113.1/"],
    ["documentation", "https://[3fff::1]/"],
    ["6to4 relay", "https://192.88.99.1/"],
    ["benchmarking", "https://198.18.0.1/"],
    ["multicast", "https://224.0.0.1/"],
    ["reserved", "https://240.0.0.1/"],
    ["broadcast", "https://255.255.255.255/"],
    ["multicast", "https://[ff02::1]/"],
    ["discard", "https://[100::1]/"],
    ["NAT64 of loopback", "https://[64:ff9b::127.0.0.1]/"],
    ["NAT64, local use", "https://[64:ff9b:1::a00:1]/"],
    ["6to4 of loopback", "https://[2002:7f00:1::]/"],
    ["Teredo", "https://[2001:0:7f00:1::]/"],
    ["v4-compatible loopback", "https://[::127.0.0.1]/"],
    ["translated loopback", "https://[::ffff:0:127.0.0.1]/"],
    ["segment routing", "https://[5f00::1]/"],
  ])("refuses others everywhere, %s: %s", (_, url) => {
    expect(verdicts(url)).toEqual(["url_ip_literal", "url_ip_literal"]);
  });
});

describe("development", () => {
  it.each([
    ["http://localhost:8788/hooks", "url_scheme"],
    ["http://localhost./", "url_scheme"],
    ["http://127.0.0.1:3000/", "url_scheme"],
    ["http://[::1]:3000/", "url_scheme"],
    ["http://example.com/", "url_scheme"],
    ["https://localhost/", "url_private_name"],
    ["https://LOCALHOST./", "url_private_name"],
    ["https://shop.localhost/", "url_private_name"],
  ])("also admits %s", (url, code) => {
    expect(verdicts(url)).toEqual([code, "ok"]);
  });

  it.each([
    ["http://user@localhost/", "url_user_info"],
    ["http://localhost/#a", "url_fragment"],
    ["http://localhost:22/", "url_port"],
    ["http://localhost:6667/", "url_port"],
    ["http://shop/", "url_private_name"],
    ["http://nas.local/", "url_private_name"],
    ["http://169.254.169.254/", "url_ip_literal"],
    ["http://1.1.1.1/", "url_ip_literal"],
    ["http://a.workers.dev/", "url_refused_zone"],
  ])("loosens nothing else: %s", (url, code) => {
    expect(verdicts(url)).toEqual(["url_scheme", code]);
  });
});

describe("whatever it is given", () => {
  it("answers, and never throws", () => {
    const any = fc.string({ unit: "binary" });
    const text = fc.oneof(
      any,
      any.map((rest) => `https://${rest}`),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc
        .tuple(fc.webAuthority({ withUserInfo: true, withPort: true }), any)
        .map(([authority, rest]) => `http://${authority}/${rest}`),
    );
    fc.assert(
      fc.property(text, (url) => {
        const [production, development] = verdicts(url);
        // What production admits, development admits.
        expect(production !== "ok" || development === "ok").toBe(true);
      }),
    );
  });

  it("refuses every address in production, however it is spelled", () => {
    const spelled = fc
      .tuple(
        fc.nat({ max: 0xffff_ffff }),
        fc.constantFrom(spellings.hex, spellings.octal, spellings.decimal, spellings.short, spellings.mapped),
      )
      .map(([address, spell]) => `https://${spell(address)}/`);
    fc.assert(
      fc.property(
        fc.oneof(
          spelled,
          fc.ipV6().map((address) => `https://[${address}]/`),
        ),
        (url) => {
          expect(verdicts(url)[0]).toBe("url_ip_literal");
        },
      ),
    );
  });
});

const spellings = {
  hex: (address: number) => `0x${address.toString(16)}`,
  octal: (address: number) => `0${address.toString(8)}`,
  decimal: (address: number) => String(address),
  short: (address: number) => `${address >>> 24}.${address & 0xff_ffff}`,
  mapped: (address: number) => `[::ffff:${(address >>> 16).toString(16)}:${(address & 0xffff).toString(16)}]`,
};
