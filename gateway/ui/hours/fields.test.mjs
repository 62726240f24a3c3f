// fields.test.mjs - what fields of the page of hours become, and back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { words } from "./words.mjs";
import { long, overNight, policyFields, policyOf, scheduleFields, scheduleOf, weekRows } from "./fields.mjs";

const kept = { name: "Office", zone: "Europe/Moscow", channels: ["site"],
    week: { mon: [{ from: "00:00", to: "24:00" }], tue: [{ from: "22:00", to: "06:00" }] },
    holidays: [{ from: "2026-12-31", to: "2027-01-08", name: "New Year" }, { from: "2027-02-22", hours: [{ from: "10:00", to: "24:00" }] }] };

test("what was kept goes through the form as it is", () => {
    assert.deepEqual(scheduleOf(scheduleFields(kept)), kept);
    const policy = { name: "Usual", channels: [], first_s: 900, next_s: 90, remind_s: 30, close_s: 5400, working: false, supervisors: "never" };
    assert.deepEqual(policyOf(policyFields(policy)), policy);
    assert.deepEqual(policyOf({ ...policyFields(policy), first: " ", next: "1,5" }), { name: "Usual", channels: [], next_s: 90, remind_s: 30, close_s: 5400, working: false, supervisors: "never" });
});

test("what is half filled in is left out", () => {
    const v = scheduleFields(undefined, "UTC");
    v.week.sat = [{ from: "10:00", to: "" }];
    v.holidays = [{ from: "", to: "", name: "x", hours: [] }, { from: "2027-01-01", to: "2027-01-01", name: " ", hours: [{ from: "", to: "" }] }];
    const s = scheduleOf({ ...v, name: " Office " });
    assert.deepEqual([s.name, s.zone, Object.keys(s.week), s.holidays], ["Office", "UTC", ["mon", "tue", "wed", "thu", "fri"], [{ from: "2027-01-01" }]]);
});

test("the week in few words, and how long something is", () => {
    const day = [{ from: "09:00", to: "18:00" }];
    assert.deepEqual(weekRows({ mon: day, tue: day, thu: day, sun: day }).map((r) => [r.from, r.to]), [["mon", "tue"], ["thu", "thu"], ["sun", "sun"]]);
    assert.deepEqual([900, 7200, 172800, 90].map(long), [{ unit: "minutes", n: 15 }, { unit: "clock", n: 2 }, { unit: "days", n: 2 }, { unit: "minutes", n: 1.5 }]);
    assert.deepEqual([["22:00", "06:00"], ["09:00", "00:00"], ["09:00", "24:00"], ["09:00", "18:00"], ["", ""]].map(([from, to]) => overNight({ from, to })),
        [true, false, false, false, false]);
});

test("both languages say the same", () => {
    assert.deepEqual(Object.keys(words.ru).sort(), Object.keys(words.en).sort());
    const names = (text) => [...new Set([...JSON.stringify(text).matchAll(/\{(\w+)\}/g)].map((m) => m[1]))].sort();
    for (const key of Object.keys(words.en)) assert.deepEqual(names(words.ru[key]), names(words.en[key]), key);
});
