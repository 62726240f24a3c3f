// icons.jsx - the few drawings that the page needs, as one-colour lines. Decoration: the button or
// text beside them carries the meaning.

const PATHS = {
    bold: "M7 5h6a3.5 3.5 0 0 1 0 7H7zM7 12h7a3.5 3.5 0 0 1 0 7H7z",
    italic: "M10.5 5H17M7 19h6.5M14 5l-4 14",
    strike: "M4 12h16M16.5 8c-.6-2-2.3-3-4.6-3-2.6 0-4.6 1.2-4.6 3.3 0 .8.3 1.4.7 1.9M7.4 16c.7 2 2.5 3 4.8 3 2.6 0 4.6-1.3 4.6-3.4 0-.6-.1-1.1-.4-1.6",
    bullets: "M9 6h11M9 12h11M9 18h11M4.5 6v.01M4.5 12v.01M4.5 18v.01",
    numbers: "M10 6h10M10 12h10M10 18h10M4 5l1.4-.8V9M3.8 15.2c1.6-1.2 2.8.4 1.6 1.6L3.8 18.6h2.6",
    quote: "M4 17.5c2-.8 3-2.5 3-5H4.5v-6h5.2V12c0 3-1.7 5-4.7 5.8M14 17.5c2-.8 3-2.5 3-5h-2.5v-6h5.2V12c0 3-1.7 5-4.7 5.8",
    link: "M10.5 13.5a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M13.5 10.5a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
    format: "M3 18 8 6l5 12M4.8 14h6.4M21 18v-6M18 18a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
    open: "M3 12h5l2 3h4l2-3h5M5.5 5h13L21 12v6a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 18v-6z",
    mine: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20a7.5 7.5 0 0 1 15 0",
    unassigned: "M10 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM3 20a7 7 0 0 1 11-5.7M19 15v3.2M19 21v.01",
    snoozed: "M12 21a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 9v4.2l2.6 1.6M5 3.5 2.5 6M19 3.5 21.5 6",
    closed: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 12.3l2.8 2.7L16 9.5",
    all: "M4 6h16M4 12h16M4 18h16",
    search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20.5 20.5 16 16",
    back: "M15 5l-7 7 7 7",
    forward: "M9 5l7 7-7 7",
    x: "M6 6l12 12M18 6 6 18",
    minus: "M5 12h14",
    plus: "M12 5v14M5 12h14",
    check: "M5 12.5l4.5 4.5L19 7.5",
    send: "M4.5 12 20 4.5 15.5 20l-3.7-6.3zM11.8 13.7 20 4.5",
    attach: "M20 11.5l-8 8a5.2 5.2 0 0 1-7.4-7.4l8.4-8.3a3.5 3.5 0 0 1 5 4.9l-8.3 8.3a1.8 1.8 0 0 1-2.6-2.5l7.4-7.4",
    panel: "M4 5.5h16v13H4zM14.5 5.5v13",
    more: "M5.5 12v.01M12 12v.01M18.5 12v.01",
    keys: "M3 7h18v10H3zM7 10.5v.01M11 10.5v.01M15 10.5v.01M8.5 14h7",
    settings: "M5 7h9M18 7h1M5 12h2M11 12h8M5 17h7M16 17h3M16 7m-2 0a2 2 0 1 0 4 0 2 2 0 1 0-4 0M9 12m-2 0a2 2 0 1 0 4 0 2 2 0 1 0-4 0M14 17m-2 0a2 2 0 1 0 4 0 2 2 0 1 0-4 0",
    down: "M12 5v13M6 12.5l6 6 6-6",
    file: "M6 3.5h8l4 4V20a.5.5 0 0 1-.5.5h-11A.5.5 0 0 1 6 20zM14 3.5V8h4",
    image: "M4 5h16v14H4zM4 16l4.5-4.5 4 4 3-3L20 17M15.5 9v.01",
    download: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
    verified: "M12 3l2.3 1.8 2.9-.2.8 2.8 2.4 1.6-1 2.7 1 2.8-2.4 1.6-.8 2.8-2.9-.2L12 21l-2.3-1.8-2.9.2-.8-2.8-2.4-1.6 1-2.8-1-2.7L6 7.4l.8-2.8 2.9.2zM8.8 12.2l2.2 2.2 4.2-4.4",
    note: "M5 4h14v10l-5.5 6H5zM13.5 20v-6H19",
    tag: "M12.5 4H20v7.5l-8.5 8.5L4 12.5zM16 8v.01",
    warn: "M12 4l9 16H3zM12 10v4.5M12 17.2v.01",
    merge: "M6 4v4c0 4 6 4 6 8v4M18 4v4c0 4-6 4-6 8M9 17.5l3 3 3-3",
    edit: "M4 20l1-4L16 5l3 3L8 19z",
    retry: "M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 4v4h-4",
    eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
    reply: "M9 6l-6 6 6 6M3.5 12H14a6.5 6.5 0 0 1 6.5 6.5",
    agents: "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5a6.5 6.5 0 0 1 13 0M16 4.8a3.5 3.5 0 0 1 0 6.4M18 14a6.5 6.5 0 0 1 3.5 5.5",
    channels: "M6.5 17.5a7.8 7.8 0 0 1 0-11M17.5 6.5a7.8 7.8 0 0 1 0 11M9 15a4.2 4.2 0 0 1 0-6M15 9a4.2 4.2 0 0 1 0 6M12 12v.01",
    reports: "M4 20h16M7 20v-6M12 20V6M17 20v-9",
    dead: "M4 6h16v12H4zM4 7l8 6.5L20 7M15 15l4 4M19 15l-4 4",
    lang: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c3 3 3.5 6 3.5 9s-.5 6-3.5 9c-3-3-3.5-6-3.5-9S9 6 12 3z",
    out: "M14 4h5v16h-5M4 12h11M11 8l4 4-4 4",
    lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
    smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 14c1 1.6 2.4 2.4 4 2.4s3-.8 4-2.4M9 9.5v.01M15 9.5v.01",
    block: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.8 5.8l12.4 12.4",
    mentions: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM16 8v5.5a2.5 2.5 0 0 0 5 0V12a9 9 0 1 0-4 7.5",
    filter: "M4 6h16l-6 7v5l-4 2v-7z",
    bookmark: "M6.5 4h11v16L12 16l-5.5 4z",
    canned: "M13 3 5 14h6l-1 7 8-11h-6z",
    trash: "M4.5 7h15M9 7V4.5h6V7M6.5 7l1 13h9l1-13M10 11v5M14 11v5",
    copy: "M9 8.5h10.5V20H9zM5 15.5H4V4h11v1",
    hash: "M9 4 7 20M17 4l-2 16M4 9h16.5M3.5 15H20",
    forwarded: "M15 6l6 6-6 6M20.5 12H10a6.5 6.5 0 0 0-6.5 6.5",
    pin: "M12 21s7-6.3 7-11.5a7 7 0 0 0-14 0C5 14.7 12 21 12 21zM12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
    poll: "M5 20V11M12 20V4M19 20v-6",
    checklist: "M4 6.5l1.5 1.5L8.5 5M4 16.5 5.5 18l3-3M12 7h8M12 17h8",
    outside: "M13 5h6v6M19 5l-9 9M17 14v5H5V7h5",
    phone: "M6.5 4h3l1.5 4.5-2 1.5a12 12 0 0 0 5 5l1.5-2 4.5 1.5v3a2 2 0 0 1-2.2 2A16 16 0 0 1 4.5 6.2 2 2 0 0 1 6.5 4z",
    press: "M9 11.5V5.5a1.5 1.5 0 0 1 3 0V11l5.5 1.3a2 2 0 0 1 1.5 2.3L18.3 20H11l-4.5-6a1.4 1.4 0 0 1 2.5-1.2",
    fileOff: "M10 3.5h4l4 4V14M18 18v2.5H6V6M14 3.5V8h4M3.5 3.5l17 17",
    voice: "M12 15a3 3 0 0 0 3-3V6a3 3 0 0 0-6 0v6a3 3 0 0 0 3 3zM6 11.5a6 6 0 0 0 12 0M12 17.5V21",
    sound: "M9 18V6l11-2v12M9 18a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0zM20 16a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z",
    play: "M8 5l11 7-11 7z",
    choices: "M4 5h16v5H4zM4 14h16v5H4z",
    hourglass: "M7 3.5h10M7 20.5h10M8 3.5V8l4 4 4-4V3.5M8 20.5V16l4-4 4 4v4.5",
    template: "M5 4h14v16H5zM8.5 8.5h7M8.5 12h7M8.5 15.5h4",
    cart: "M3 4h2.5l2.5 11h10l2-7.5H6.5M9.5 19.5v.01M16.5 19.5v.01",
    megaphone: "M4 10v4h3l8 4.5v-13L7 10zM18.5 9.5a4 4 0 0 1 0 5M7.5 14.5 9 19.5h2",
    clock: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 7.5V12l3 2",
};

export function Icon({ name, size = 20 }) {
    return (
        <svg class="icon" width={size} height={size} viewBox="0 0 24 24" fill="none"
            stroke="currentColor" stroke-width="1.8" stroke-linecap="round"
            stroke-linejoin="round" aria-hidden="true" focusable="false">
            <path d={PATHS[name]} />
        </svg>
    );
}

// The mark of the product: two lines that meet in one.
export function Logo({ size = 28 }) {
    return (
        <svg class="logo" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <rect class="logo-back" width="32" height="32" rx="9" />
            <path class="logo-line" d="M8 10.5h4.5c5 0 4 11 9 11H24M8 21.5h4.5c5 0 4-11 9-11H24" fill="none"
                stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round" />
        </svg>
    );
}
