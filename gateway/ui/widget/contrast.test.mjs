// contrast.test.mjs - whatever colour an admin chooses, words on it and in it can be read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { asInk, contrast, inkOn, isColor } from "../shared/contrast.mjs";

test("words on and in any colour have 4.5 to 1", () => {
    for (let r = 0; r < 256; r += 15)
        for (let g = 0; g < 256; g += 15)
            for (let b = 0; b < 256; b += 51) {
                const color = "#" + [r, g, b].map((c) => c.toString(16).padStart(2, "0")).join("");
                assert.ok(contrast(inkOn(color), color) >= 4.5, `on ${color}`);
                assert.ok(contrast(asInk(color), "#f2f4f7") >= 4.5, `in ${color}`);
            }
});

test("only whole colours are colours", () => {
    assert.ok(isColor("#12aBcd"));
    for (const bad of ["", undefined, "#123", "red", "#12345g", "#1234567", "url(x)"]) assert.ok(!isColor(bad), String(bad));
});
