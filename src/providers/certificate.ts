// What an X.509 certificate says, as far as verifying with its key needs it. DER is read strictly: lengths that run
// beyond what holds them end the reading. The chain is not looked at.

import { instantOfIso } from "./reading.ts";

/** A certificate: whom it names, when it is valid (epoch seconds), and its public key as SPKI. */
export interface Certificate {
  commonName: string;
  notBefore: number;
  notAfter: number;
  spki: Uint8Array<ArrayBuffer>;
}

interface Node {
  tag: number;
  /** With tag and length. */
  whole: Uint8Array<ArrayBuffer>;
  content: Uint8Array<ArrayBuffer>;
}

const [SEQUENCE, VERSION, UTC_TIME] = [0x30, 0xa0, 0x17];
/** The attribute `commonName`, 2.5.4.3. */
const COMMON_NAME = "85,4,3";

/** Reads the first certificate of a PEM text; null where there is none that can be read. */
export function readCertificate(pem: string): Certificate | null {
  const base64 = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem)?.[1];
  try {
    const der = Uint8Array.from(atob(base64 ?? ""), (char) => char.charCodeAt(0));
    const [certificate] = nodesOf(der);
    const [body] = nodesOf(certificate!.content);
    const fields = nodesOf(body!.content);
    const [, , , validity, subject, spki] = fields[0]?.tag === VERSION ? fields.slice(1) : fields;
    const [notBefore = Number.NaN, notAfter = Number.NaN] = nodesOf(validity!.content).map(secondsOfTime);
    const isWhole = spki?.tag === SEQUENCE && notBefore <= notAfter;
    return isWhole ? { commonName: commonNameOf(subject!), notBefore, notAfter, spki: spki.whole } : null;
  } catch {
    return null;
  }
}

/** The values that follow one another in `bytes`. @throws {RangeError} where they do not fill them. */
function nodesOf(bytes: Uint8Array<ArrayBuffer>): Node[] {
  const nodes: Node[] = [];
  for (let start = 0; start < bytes.length;) {
    const first = bytes[start + 1] ?? 0;
    const more = Math.max(0, first - 0x80);
    const from = start + 2 + more;
    const long = bytes.subarray(start + 2, from).reduce((length, byte) => length * 256 + byte, 0);
    const end = from + (more === 0 ? first : long);
    if (end > bytes.length) throw new RangeError("a value ends beyond what holds it");
    nodes.push({ tag: bytes[start]!, whole: bytes.slice(start, end), content: bytes.slice(from, end) });
    start = end;
  }
  return nodes;
}

/** Epoch seconds of a UTCTime (two digits of the year: 1950 to 2049) or a GeneralizedTime. */
function secondsOfTime({ tag, content }: Node): number {
  const text = new TextDecoder().decode(content);
  const century = text < "50" ? "20" : "19";
  const digits = tag === UTC_TIME ? century + text : text;
  const iso = digits.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\dZ)$/, "$1-$2-$3T$4:$5:$6");
  return (instantOfIso(iso) ?? Number.NaN) / 1000;
}

function commonNameOf({ content }: Node): string {
  for (const set of nodesOf(content)) {
    const [oid, value] = nodesOf(nodesOf(set.content)[0]!.content);
    if (oid?.content.join() === COMMON_NAME) return new TextDecoder().decode(value!.content);
  }
  return "";
}
