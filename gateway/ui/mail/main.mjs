// main.mjs - the page that shows a mail's HTML. It is framed by the inbox, has no origin, cookies or
// network of its own (api_pages.c), is given the mail by a message, cleans it here, far from the
// inbox, and frames the result once more: without any script. Why two frames: one without scripts and
// address takes over the policy of what frames it, and the inbox's own allows no styles and no
// pictures of others; this page's does, as far as the agent has asked for them.
import { clean, documentOf, pictureAddresses } from "./clean.mjs";

const pictures = location.pathname.endsWith("-pictures");

function show(text, title) {
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
    frame.setAttribute("referrerpolicy", "no-referrer");
    frame.setAttribute("credentialless", "");
    frame.title = title;
    frame.onload = () => tell({ type: "loaded" });
    frame.srcdoc = text;
    document.body.replaceChildren(frame);
}

const tell = (message) => parent.postMessage(message, location.origin);

addEventListener("message", async (e) => {
    if (e.source !== parent || e.origin !== location.origin || e.data?.type !== "mail") return;
    const { html, files, words } = e.data;
    const { body, remote, trackers, height } = clean(html, { pictures, cids: await pictureAddresses(files), words });
    tell({ type: "shown", remote, trackers, height });
    show(documentOf(body, pictures), words.title);
});

if (parent !== window) tell({ type: "ready" });
