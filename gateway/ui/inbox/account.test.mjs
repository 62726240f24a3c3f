// account.test.mjs - what a browser that signed in is called.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browserName } from "./account.mjs";

test("browsers are called by their names", () => {
    const names = {
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36": "Chrome, Windows",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0": "Edge, Windows",
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 YaBrowser/25.8 Safari/537.36": "Yandex, Windows",
        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0": "Firefox, Linux",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1": "Safari, iPhone",
        "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36": "Chrome, Android",
        "curl/8.5.0": "curl/8.5.0",
        "": "",
    };
    for (const [agent, name] of Object.entries(names)) assert.equal(browserName(agent), name);
    assert.equal(browserName("x".repeat(200)).length, 60);
});
