import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { xmlOf } from "../../scripts/samples/braintree.ts";
import { UnparseableError } from "../../src/providers/provider.ts";
import { readXml } from "../../src/providers/xml.ts";

const inside = (xml: string) => (readXml(`<a>${xml}</a>`) as { value: unknown }).value;

describe("XML as Braintree writes it", () => {
  it.each([
    ["text", "<b>x y</b>", { b: "x y" }],
    ["text as it stands, blanks and all", "<b> 12\n</b>", { b: " 12\n" }],
    ["nothing", "<b></b><c/>", { b: "", c: "" }],
    ["null", '<b nil="true"/><c nil="true"></c>', { b: null, c: null }],
    ["types that are told", `<b type="datetime">2026</b><c type='boolean'>true</c>`, { b: "2026", c: "true" }],
    ["children", "\n  <b>\n  <c>1</c>\n</b> ", { b: { c: "1" } }],
    ["a list", '<b type="array"> <c>1</c> <c>2</c></b>', { b: ["1", "2"] }],
    ["an empty list", '<b type="array"></b><c type="array"/>', { b: [], c: [] }],
    ["what comes more than once", "<b>1</b><c>2</c><b>3</b>", { b: ["1", "3"], c: "2" }],
    ["names with dashes, lines and digits", "<last-4>1</last-4><add_ons>2</add_ons>", { "last-4": "1", add_ons: "2" }],
    ["names that objects have", "<constructor>1</constructor>", { constructor: "1" }],
    ["XML's own entities", "<b>&lt;&gt;&amp;&quot;&apos;</b>", { b: `<>&"'` }],
    ["characters by number", "<b>&#233;&#xE9;&#128640;</b>", { b: "éé🚀" }],
    ["an entity once", "<b>&amp;lt;</b>", { b: "&lt;" }],
  ])("is read: %s", (_, xml, is) => {
    expect(inside(xml)).toEqual(is);
  });

  it("may begin with a declaration, and its root has a name", () => {
    expect(readXml('<?xml version="1.0" encoding="UTF-8"?>\n<a><b>1</b></a>\n')).toEqual({
      name: "a",
      value: { b: "1" },
    });
  });

  it("reads `__proto__` as a name like any other", () => {
    for (const xml of ["<__proto__><id>1</id></__proto__>", "<__proto__/><__proto__/>"]) {
      const value = inside(xml) as object;
      expect(Object.keys(value)).toEqual(["__proto__"]);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    }
  });

  it.each([
    ["nothing", ""],
    ["text alone", "a"],
    ["two roots", "<a/><b/>"],
    ["text beside the root", "<a/>b"],
    ["what is not closed", "<a><b></b>"],
    ["what is closed by another", "<a><b></a></b>"],
    ["what closes nothing", "</a>"],
    ["a closing tag with attributes", '<a></a nil="true">'],
    ["a tag that ends nowhere", "<a"],
    ["a lone angle", "<a><</a>"],
    ["text between elements", "<a>x<b/></a>"],
    ["text between the items of a list", '<a type="array"><b/>x</a>'],
    ["text in place of a list", '<a type="array">x</a>'],
    ["text where there is nothing", '<a nil="true">x</a>'],
    ["elements where there is nothing", '<a nil="true"><b/></a>'],
    ["an attribute without quotes", "<a nil=true/>"],
    ["a document type", "<!DOCTYPE a><a/>"],
    ["a document type with entities", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
    ["an entity of one's own", "<a>&x;</a>"],
    ["an entity that objects have", "<a>&constructor;</a>"],
    ["an ampersand alone", "<a>b & c</a>"],
    ["half a character by number", "<a>&#xD800;</a>"],
    ["a character beyond all", "<a>&#x110000;</a>"],
    ["a comment", "<a><!-- b --></a>"],
    ["CDATA", "<a><![CDATA[b]]></a>"],
    ["an instruction", "<?php 1 ?><a/>"],
    ["another version", '<?xml version="1.1"?><a/>'],
    ["33 levels", "<a>".repeat(33) + "</a>".repeat(33)],
    ["more than a megabyte", `<a>${"x".repeat(1024 * 1024)}</a>`],
  ])("is no %s", (_, xml) => {
    expect(() => readXml(xml)).toThrow(UnparseableError);
  });

  it("has up to 32 levels", () => {
    expect(readXml("<a>".repeat(32) + "</a>".repeat(32)).name).toBe("a");
  });

  it("comes back as it was written", () => {
    const text = fc.string({ unit: "grapheme" }).map((one) => one.replaceAll(/[\ud800-\udfff]/g, ""));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 5 }, text, fc.constant(null), tie("object")),
      object: fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/), tie("tree"), { minKeys: 1, maxKeys: 4 }),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        expect(readXml(xmlOf({ root: value })).value).toEqual(value);
      }),
    );
  });

  it("throws nothing but that it is none, and takes no longer for what is odd", () => {
    const bits = fc.constantFrom(
      "<",
      ">",
      "</",
      "/>",
      "a",
      " ",
      "=",
      '"',
      "&",
      ";",
      "#x",
      "<a>",
      "</a>",
      ' type="array"',
      "\n",
    );
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 60 }), (parts) => {
        try {
          readXml(parts.join(""));
        } catch (error) {
          expect(error).toBeInstanceOf(UnparseableError);
        }
      }),
      { numRuns: 2000 },
    );
    const started = performance.now();
    expect(inside("<b/>".repeat(250_000))).toMatchObject({ b: expect.any(Array) });
    for (const part of ["<", "<a ", "<a b", "<a b=", "<a b='", " ", "&", "&#", "<a>", "<a/>"]) {
      expect(() => readXml(part.repeat(500_000 / part.length))).toThrow(UnparseableError);
      expect(() => readXml(`<a${part.repeat(500_000 / part.length)}`)).toThrow(UnparseableError);
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
