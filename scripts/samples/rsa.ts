import { generateKeyPairSync } from "node:crypto";

/** A new RSA key of 2048 bits, in PEM: SPKI and PKCS #8. */
export function newRsaKeys(): { publicKey: string; privateKey: string } {
  return generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
}
