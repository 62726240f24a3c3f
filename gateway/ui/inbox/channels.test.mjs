// channels.test.mjs - a connector's settings as a form's texts, and what of them is sent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { changedSettings, fieldOf, labelOf, textsOf } from "./channel_settings.mjs";

const row = (key, type, preset, more = {}) => ({ key, type, default: preset, required: preset === null, secret: false, help: "", ...more });
const rows = [row("token", "string", null, { secret: true }), row("origins", "list", "self,https://a.example"), row("open", "bool", "yes"),
    row("many", "int", "5"), row("file_max", "size", "20M"), row("words", "string", "")];

test("defaults and values as texts", () => {
    assert.deepEqual(textsOf(rows), { token: "", origins: "self\nhttps://a.example", open: "yes", many: "5", file_max: "20M", words: "" });
    assert.deepEqual(textsOf(rows, { token: "***", origins: [], open: false, many: 7, file_max: "1G", words: "a" }),
        { token: "", origins: "", open: "no", many: "7", file_max: "1G", words: "a" });
});

test("only what was changed is sent, as what it is", () => {
    const before = textsOf(rows);
    assert.deepEqual(changedSettings(rows, before, before), {});
    const values = { token: " 1:A ", origins: " a \n\nb", open: "no", many: "x", file_max: "", words: " b " };
    assert.deepEqual(changedSettings(rows, before, values),
        { token: "1:A", origins: ["a", "b"], open: false, many: "x", file_max: null, words: " b " });
    assert.deepEqual(changedSettings(rows, before, { ...before, many: "12" }), { many: 12 });
});

test("an objection goes to its field", () => {
    assert.deepEqual(fieldOf("token: it is: wrong", ["token"]), { key: "token", text: "it is: wrong" });
    assert.deepEqual(fieldOf("nothing of the kind", ["token"]), { key: "", text: "nothing of the kind" });
    assert.deepEqual(fieldOf("other: x", ["token"]), { key: "", text: "other: x" });
    assert.equal(labelOf("phone_number_id"), "Phone number ID");
});
