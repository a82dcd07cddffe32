/**
 * The currency codes of ISO 4217 in use, funds codes included; metals, test and bond-market codes are no money that
 * one pays with. ANG and BGN were withdrawn in 2025 and 2026 and stay, since refunds and disputes come late.
 */
const CODES = `
  AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
  CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP
  GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY
  KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD
  MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR
  PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL
  THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST
  XAF XCD XCG XOF XPF YER ZAR ZMW ZWG`;

/** Decimals by currency where ISO 4217 has other than two. Not what `Intl` says: that is CLDR, and varies by runtime. */
const DECIMALS: Record<number, string> = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
  3: "BHD IQD JOD KWD LYD OMR TND",
  4: "CLF UYW",
};

const EXPONENTS: ReadonlyMap<string, number> = new Map([
  ...codesIn(CODES).map((code) => [code, 2] as const),
  ...Object.entries(DECIMALS).flatMap(([exponent, codes]) =>
    codesIn(codes).map((code) => [code, Number(exponent)] as const),
  ),
]);

/** Whether `code` is an upper-case ISO 4217 code of a currency in use. */
export function isCurrency(code: string): boolean {
  return EXPONENTS.has(code);
}

/** How many decimals a currency has in ISO 4217: 2 for EUR, 0 for JPY, 3 for BHD. 2 for a code that is none. */
export function exponentOf(code: string): number {
  return EXPONENTS.get(code) ?? 2;
}

function codesIn(text: string): string[] {
  return text.trim().split(/\s+/);
}
