// sentences.test.mjs - what the gateway says in English has its words in Russian.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { I18n } from "../shared/i18n.mjs";
import { translated } from "./sentences.mjs";
import { ru } from "./strings_ru.mjs";

const words = new I18n("ru", ru);
const source = (name) => readFileSync(new URL(`../../../connectors/${name}`, import.meta.url), "utf8");

// The string literals of a C file, those side by side as one.
function literals(text) {
    const code = text.replace(/\/\*[^]*?\*\//g, "").replace(/#include.*/g, "");
    return [...code.matchAll(/(?:"(?:[^"\\]|\\.)*"\s*)+/g)].map(([all]) => [...all.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((m) => m[1]).join(""));
}

// Parts of a sentence that a server says, or that one of ours begins with; and the mail that a mailbox sends itself.
const PARTS = [/^authenticated but not connected$/, /^the login at the \w+ server$/, /^the (wait for|sending of) a mail to itself$/,
    /^there is no memory for it$/, /^Switchboard: /, /^The mailbox sends this mail/, /^no_file_whatsapp: /];
const BARE = /^(xyz, xyz|(xyz|getMe|getWebhookInfo|OAuth2): xyz)$/;

// What printf would make of it.
function printed(format) {
    return format.replace("the %s's", "the account's").replace("%s did not", "the wait for a mail to itself did not").replace("%s: while", "imap: while")
        .replace(/%(?:\.?\*|[\d.]+)?(?:lld|llu|zu|[dsuf])/g, (spec) => (spec.endsWith("s") ? "xyz" : "7"));
}

const isSentence = (s) => / [a-z]+ |^[a-z].*: xyz/.test(s) && !BARE.test(s) && !PARTS.some((part) => part.test(s));

test("every sentence of an examination, and of a file that cannot be had, has its words in Russian", () => {
    const files = ["whatsapp/whatsapp_private.h", "whatsapp/whatsapp_check.c", "whatsapp/whatsapp_fetch.c", "telegram/telegram_check.c",
        "telegram/telegram_fetch.c", "email/email_check.c", "email/email_check_mail.c"];
    let seen = 0;
    for (const file of files)
        for (const said of literals(source(file)).map(printed).filter(isSentence)) {
            const sentence = said.replace(/^\w+: (?=[A-Z])/, "").replace(/ \[xyz\]$/, "");
            const shown = translated(words, sentence);
            seen++;
            assert.notEqual(shown, sentence, `${file}: ${sentence}`);
            assert.doesNotMatch(shown, /\{\w+\}/, sentence);
        }
    assert.ok(seen > 95, seen);
});

test("why a mail did not arrive is said in Russian, with the server's own words beside it", () => {
    const meanings = literals(source("email/email_status.c")).filter((s) => / [a-z]+ /.test(s) && !s.includes("%"));
    assert.ok(meanings.length > 30, meanings.length);
    for (const said of [...meanings, "a server puts it off", "it could not be delivered"]) {
        const shown = translated(words, `${said} (550 5.1.1 No: user (x) {why})`);
        assert.notEqual(translated(words, said), said);
        assert.equal(shown, `${translated(words, said)} (550 5.1.1 No: user (x) {why})`, said);
        assert.equal(translated(words, `bob+x@example.org: ${said} (x)`), `bob+x@example.org: ${translated(words, said)} (x)`);
    }
    assert.equal(translated(words, "the mail server refused it: 550 no (sorry)"), "почтовый сервер отказал: 550 no (sorry)");
    assert.equal(translated(words, "550 no (sorry)"), "550 no (sorry)");
});

test("parts of a sentence stay, and what it says of others is said in the page's language, too", () => {
    assert.equal(translated(words, "the token ends in 5 days"), "Срок токена кончается, дней осталось: 5");
    assert.equal(translated(words, "the number cannot be read: {x} $& the server closed the connection"),
        "Номер прочитать нельзя: {x} $& the server closed the connection");
    assert.equal(translated(words, "https://a.example cannot be reached: the server closed the connection"),
        "https://a.example недоступен: сервер закрыл соединение");
    assert.equal(translated(words, "80 messages a second; quality not told; limit of new clients a day: TIER_250"),
        "Сообщений в секунду: 80; качество не названо; новых клиентов в день: TIER_250");
    assert.equal(translated(words, "the CRM answered 422: {\"error\": \"no\"}"), "CRM ответила 422: {\"error\": \"no\"}");
    assert.equal(translated(words, "the CRM answered 503"), "CRM ответила 503");
    assert.equal(translated(words, "Failed to connect to 10.0.0.1 port 8069 after 3 ms: Couldn't connect to server"),
        "10.0.0.1, порт 8069: сервер не принял соединение (3 мс)");
    assert.equal(translated(words, "nobody knows this"), "nobody knows this");
    assert.equal(translated(new I18n("en", {}), "no webhook is set"), "no webhook is set");
});

test("a translation names what its sentence names", () => {
    const names = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
    for (const [key, text] of Object.entries(ru))
        if (key.startsWith("say:")) assert.deepEqual(names(text), names(key), key);
});
