// mail.test.mjs - what the page decides about e-mail: people, subjects, folds, trust, answers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { answerTo, answeredMail, answersElsewhere, doubt, fates, foldText, inlineFiles, isAddress, mailboxes, mailFields, mailboxText,
    parseAddresses, replySubject } from "./mail.mjs";
import { en } from "./strings_en.mjs";

const box = (address, name = "") => ({ name, address });

test("a name that looks like an address is not shown, and nothing in it hides the address", () => {
    assert.deepEqual(mailboxes([box("eve@evil.example", "security@bank.example"), box("a@b.example", "A <x>"), box("ann@b.example", "Ann\u202e Lee\u200b")]),
        [box("eve@evil.example"), box("a@b.example"), box("ann@b.example", "Ann Lee")]);
    assert.deepEqual(mailboxes([{ address: "a@b" }, { name: "only" }, {}, box("x@y", "X@y")]), [box("a@b"), box("", "only"), box("x@y")]);
    assert.deepEqual(mailboxes(undefined), []);
    assert.equal(mailboxText(box("a@b", "Ann")), "Ann <a@b>");
    assert.equal(mailboxText(box("a@b")), "a@b");
});

test("reply all: everybody once, without us and without whom it goes to anyway", () => {
    const mail = { from: [box("ann@x", "Ann")], to: [box("Shop@us"), box("bob@x")], cc: [box("BOB@x"), box("cy@x"), box("ann@x")] };
    assert.deepEqual(answerTo(mail, ["shop@us"]), { to: [box("ann@x", "Ann")], others: [box("bob@x"), box("cy@x")] });
    const list = { ...mail, reply_to: [box("list@x")] };
    assert.deepEqual(answerTo(list, ["shop@us"]).to, [box("list@x")]);
    assert.deepEqual(answerTo(list, ["shop@us"]).others.map((m) => m.address), ["bob@x", "cy@x", "ann@x"]);
    assert.deepEqual(answerTo(undefined), { to: [], others: [] });
    assert.deepEqual(answersElsewhere(list), [box("list@x")]);
    assert.deepEqual(answersElsewhere({ ...mail, reply_to: [box("ANN@x")] }), []);
});

test("typed addresses: with names, with any separator, once each", () => {
    assert.deepEqual(parseAddresses("a@x.example, Bob Lee <b@x.example>;c@x.example d@x.example\nA@X.example").list,
        ["a@x.example", "b@x.example", "c@x.example", "d@x.example"]);
    assert.deepEqual(parseAddresses("a@x.example, nonsense, Bob <b@>, <>").bad, ["nonsense", "b@", "<>"]);
    assert.deepEqual(parseAddresses(undefined), { list: [], bad: [] });
    assert.equal(parseAddresses(Array.from({ length: 60 }, (_, n) => `a${n}@x.example`).join()).bad.length, 10);
    for (const good of ["a@b.example", "я@почта.рф", "a+b@x.example", "a@[127.0.0.1]"]) assert.ok(isAddress(good), good);
    for (const bad of ["", "a", "a@b", "a@b@c.example", "a b@c.example", "a@b.example\r\nBcc: x@y.example", "a@b.", "x".repeat(200) + "@b.example"])
        assert.ok(!isAddress(bad), bad);
});

test("one Re: before a subject, whatever stood there, and never too long", () => {
    for (const s of ["Order", "Re: Order", "RE: re: Order", "AW: Re[2]: Order", "Отв: Re: Order", "  Re : Order"]) assert.equal(replySubject(s), "Re: Order", s);
    assert.equal(replySubject("Reply: x"), "Re: Reply: x");
    assert.equal(replySubject(""), "");
    assert.equal(replySubject(undefined), "");
    assert.ok(new TextEncoder().encode(replySubject("ж".repeat(900))).length <= 998);
    assert.equal(replySubject("a\r\nBcc: x"), "Re: aBcc: x");
});

test("older mail and signatures are folded at byte offsets", () => {
    const own = "Добрый день! 👍\n", sign = "-- \nAnn\n", quote = "> и вам\n";
    const at = (text) => new TextEncoder().encode(text).length;
    assert.deepEqual(foldText(own + sign + quote, { signature_at: at(own), quoted_at: at(own + sign) }), { own: own.trimEnd(), rest: (sign + quote).trimEnd(), kind: "quoted" });
    assert.equal(foldText(own + sign, { signature_at: at(own) }).kind, "signature");
    assert.deepEqual(foldText(own, {}), { own: own.trimEnd(), rest: "", kind: null });
    assert.deepEqual(foldText(quote, { quoted_at: 0 }), { own: quote.trimEnd(), rest: "", kind: null }, "nothing but a quote is shown");
    for (const wild of [-1, 1e9, 2.5, "x", null, 3]) foldText(own, { quoted_at: wild, signature_at: wild });
    assert.equal(foldText("я".repeat(10), { quoted_at: 5 }).own.replace(/я/g, ""), "", "inside a letter");
});

test("what our server found is a warning only when it is one", () => {
    assert.equal(doubt({ dmarc: "fail", spf: "pass", dkim: "pass" }), "dmarc");
    assert.equal(doubt({ dmarc: "pass", spf: "fail" }), null);
    assert.equal(doubt({ dmarc: "none", spf: "softfail" }), "spf");
    assert.equal(doubt({ spf: "none", dkim: "fail" }), "dkim");
    assert.equal(doubt({ spf: "PASS", dkim: "fail" }), null);
    for (const none of [undefined, {}, { dmarc: "none", spf: "none", dkim: "none" }]) assert.equal(doubt(none), null);
});

test("an answer goes to the newest mail of a person, or to the chosen one", () => {
    const mail = (seq, fields = {}) => ({ seq, direction: "in", email: { from: [], ...fields } });
    const items = [mail(1), mail(2), mail(3, { auto: "reply" }), { seq: 4, direction: "out" }];
    assert.equal(answeredMail(items).seq, 2);
    assert.equal(answeredMail(items, items[0]).seq, 1);
    assert.equal(answeredMail([mail(3, { auto: "bulk" })]).seq, 3);
    assert.equal(answeredMail([{ seq: 1, direction: "in" }]), null);
});

test("fields that say nothing are not sent", () => {
    assert.equal(mailFields({ noQuote: true }, "Re: x").no_quote, true);
    assert.deepEqual(mailFields({}, "Re: x"), { subject: "Re: x", cc: undefined, bcc: undefined, reply_all: undefined, no_quote: undefined });
    assert.deepEqual(mailFields({ subject: " ", cc: "a@x.example", bcc: "", all: true }, "Re: x"),
        { subject: undefined, cc: ["a@x.example"], bcc: undefined, reply_all: true, no_quote: undefined });
});

test("pictures for the HTML are pictures, here, and not too many bytes", () => {
    const file = (fields) => ({ id: "1", cid: "a", mime: "image/png", size: 10, ...fields });
    assert.equal(inlineFiles([file(), file({ mime: "image/svg+xml" }), file({ mime: "text/html" }), file({ id: undefined }), file({ cid: undefined })]).length, 1);
    assert.equal(inlineFiles([file({ size: 15 << 20 }), file({ size: 15 << 20 })]).length, 1);
    assert.deepEqual(inlineFiles(undefined), []);
});

test("all notes that the page knows have words", () => {
    const source = readFileSync(new URL("mail.jsx", import.meta.url), "utf8");
    const notes = [.../const NOTES = \[([^\]]+)\]/.exec(source)[1].matchAll(/"(\w+)"/g)].map((m) => m[1]);
    assert.ok(notes.length > 10);
    for (const word of notes) assert.ok(en["mail.note." + word], word);
    for (const kind of ["quoted", "signature", "auto"]) for (const verb of ["show", "hide"]) assert.ok(en[`mail.${verb}.${kind}`]);
});

test("recipients are told of by their fate, bad news first; what the tick says is not said twice", () => {
    const r = (address, status, text) => ({ address, status, ...(text && { error: { text } }) });
    assert.deepEqual(fates(undefined), []);
    assert.deepEqual(fates([r("a@x", "delivered")]), []);
    assert.deepEqual(fates([r("a@x", "failed", "550")]), []);
    assert.deepEqual(fates([r("a@x", "delayed", "4.4.1")]), [{ status: "delayed", icon: "clock", who: "a@x", why: "4.4.1" }]);
    assert.deepEqual(fates([r("a@x", "sent"), r("b@x", "queued", "451"), r("c@x", "sent"), r("d@x", "failed", "550 <b>\u202e")])
        .map((f) => [f.status, f.who]), [["failed", "d@x"], ["queued", "b@x"], ["sent", "a@x, c@x"]]);
    assert.ok(!/\u202e/.test(fates([r("d@x\u202e", "failed", "\u202e550"), r("e@x", "sent")])[0].why));
});
