// strings.test.mjs - the panel's words: both languages say the same things, and all that is asked for.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { strings } from "./strings.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const names = (text) => [...new Set([...JSON.stringify(text).matchAll(/\{(\w+)\}/g)].map((m) => m[1]))].sort();

test("Russian and English have the same keys with the same names in them", () => {
    assert.deepEqual(Object.keys(strings.ru).sort(), Object.keys(strings.en).sort());
    for (const key of Object.keys(strings.en)) assert.deepEqual(names(strings.ru[key]), names(strings.en[key]), key);
});

test("every word that the panel asks for is there", () => {
    for (const file of readdirSync(here).filter((f) => f.endsWith(".jsx")))
        for (const [, key] of readFileSync(join(here, file), "utf8").matchAll(/\bt\("([^"]+)"/g))
            assert.ok(key in strings.en || Object.keys(strings.en).some((k) => key.endsWith("_") && k.startsWith(key)), key);
});
