// identities.test.mjs - kinds and addresses of identities in people's words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { identityAddress, identityKind, inOrder, isFormerPhone } from "./identities.mjs";
import { en } from "./strings_en.mjs";

test("every kind of identity has its words; an unknown one stays as it is", () => {
    for (const [kind, address, word, shown] of [["whatsapp", "4917600000", "whatsapp", "+4917600000"],
        ["whatsapp", "DE.8841", "whatsapp_id", "DE.8841"], ["whatsapp", "DE.ENT.77", "whatsapp_parent", "DE.ENT.77"],
        ["whatsapp", "group/Y2Fx", "whatsapp_group", "Y2Fx"], ["whatsapp", "unknown/wamid.A", "whatsapp_unknown", "wamid.A"],
        ["telegram", "4242", "telegram", "4242"], ["telegram", "-1001", "telegram_group", "-1001"],
        ["email", "ann@example.org", "email", "ann@example.org"], ["phone", "+4917600000", "phone", "+4917600000"],
        ["visitor", "01J", "visitor", "01J"], ["user", "site:7", "user", "site:7"], ["loopback", "x", "loopback", "x"]]) {
        assert.equal(identityKind({ kind, address }), word);
        assert.ok(en["identity." + word], word);
        assert.equal(identityAddress({ kind, address }), shown);
    }
    assert.equal(identityKind({ kind: "carrier pigeon" }), "carrier pigeon");
});

test("what a client gave up comes last", () => {
    const list = [{ kind: "phone", address: "+1", former: true }, { kind: "phone", address: "+2" }];
    assert.deepEqual(inOrder(list).map((i) => i.address), ["+2", "+1"]);
    assert.ok(isFormerPhone({ phone: "+1", identities: list }));
    assert.ok(!isFormerPhone({ phone: "+2", identities: list }));
    assert.ok(!isFormerPhone({ phone: "+1" }));
});
