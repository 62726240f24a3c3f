// place.mjs - what an agent pastes as a place: two numbers, or a link of a map. Pure functions.

const PAIRS = [
    /[?&]mlat=(-?\d+(?:\.\d+)?)&(?:amp;)?mlon=(-?\d+(?:\.\d+)?)/, // openstreetmap.org
    /#map=\d+(?:\.\d+)?\/(-?\d+(?:\.\d+)?)\/(-?\d+(?:\.\d+)?)/,
    /!3d(-?\d+(?:\.\d+)?)!4d(-?\d+(?:\.\d+)?)/, // google.com/maps/place
    /@(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)/,
    /[?&](?:q|query|ll|destination)=(-?\d+(?:\.\d+)?)(?:,|%2C)\s*(-?\d+(?:\.\d+)?)/,
    /^\s*(-?\d+(?:\.\d+)?)[\s,;]+(-?\d+(?:\.\d+)?)\s*$/,
];
const YANDEX = /[?&](?:pt|ll)=(-?\d+(?:\.\d+)?)(?:,|%2C)(-?\d+(?:\.\d+)?)/; // longitude first

// {lat, lon}, or null when there is no place in it.
export function placeOf(text) {
    const yandex = /yandex\./.test(text) && YANDEX.exec(text);
    const found = yandex ? [yandex[0], yandex[2], yandex[1]] : PAIRS.map((p) => p.exec(text)).find(Boolean);
    if (!found) return null;
    const [lat, lon] = [Number(found[1]), Number(found[2])];
    return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? { lat, lon } : null;
}
