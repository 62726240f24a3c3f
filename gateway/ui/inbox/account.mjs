// account.mjs - what a browser that signed in is called. Pure.
const BROWSERS = [["YaBrowser/", "Yandex"], ["Edg", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["CriOS/", "Chrome"],
    ["Chrome/", "Chrome"], ["Safari/", "Safari"]];
const SYSTEMS = [["Windows", "Windows"], ["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Mac OS X", "macOS"],
    ["Linux", "Linux"]];

export function browserName(agent) {
    const named = (list) => list.find(([mark]) => agent.includes(mark))?.[1];
    const parts = [named(BROWSERS), named(SYSTEMS)].filter(Boolean);
    return parts.length ? parts.join(", ") : agent.slice(0, 60);
}
