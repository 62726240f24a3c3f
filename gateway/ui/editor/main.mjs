// main.mjs - the editor of formatted answers: Squire, bundled apart and fetched when somebody formats
// for the first time. It knows nothing of the inbox, which says what markup may stand in it.
import Squire from "squire-rte";

// Each button of the toolbar: how it is seen to be on, and what presses it in and out.
// Makes a link; what is written next stands behind it.
function link(editor, href) {
    editor.makeLink(href);
    const range = editor.getSelection();
    range.collapse(false);
    editor.setSelection(range);
    editor.changeFormat(null, { tag: "A" });
}

const COMMANDS = {
    bold: { tag: "B", on: (e) => e.bold(), off: (e) => e.removeBold() },
    italic: { tag: "I", on: (e) => e.italic(), off: (e) => e.removeItalic() },
    strike: { tag: "S", on: (e) => e.strikethrough(), off: (e) => e.removeStrikethrough() },
    bullets: { tag: "UL", on: (e) => e.makeUnorderedList(), off: (e) => e.removeList() },
    numbers: { tag: "OL", on: (e) => e.makeOrderedList(), off: (e) => e.removeList() },
    quote: { tag: "BLOCKQUOTE", on: (e) => e.increaseQuoteLevel(), off: (e) => e.decreaseQuoteLevel() },
    link: { tag: "A", on: link, off: (e) => e.removeLink() },
};

// A format that was just ended begins again in a new line otherwise: the empty element is split, too.
function keepEnded(root, editor) {
    const names = ["bold", "italic", "strike", "link"];
    let ended = [];
    root.parentElement.addEventListener("beforeinput", (e) => { // before the editor's own
        ended = e.inputType === "insertParagraph" ? names.map((name) => COMMANDS[name].tag).filter((tag) => !editor.hasFormat(tag)) : [];
    }, { capture: true });
    root.addEventListener("beforeinput", () => { // and after it
        if (!ended.length) return;
        const { startContainer: at } = editor.getSelection();
        const line = (at.nodeType === 1 ? at : at.parentElement).closest("div, li");
        const empty = line && root.contains(line) && !line.textContent.replace(/\u200b/g, "") ? line.querySelectorAll(ended.join()) : [];
        if (!empty.length) return;
        for (const el of empty) el.remove();
        const range = document.createRange();
        range.setStart(line, 0);
        editor.setSelection(range);
    });
}

function lineBefore(root, at) {
    if (!at?.collapsed || !root.contains(at.startContainer)) return null;
    const near = at.startContainer.nodeType === 1 ? at.startContainer : at.startContainer.parentElement;
    const line = near.closest("div, li, blockquote");
    const range = at.cloneRange();
    range.setStart(line && root.contains(line) ? line : root, 0);
    return range;
}

// root: an element that becomes editable. fragment(html): what of a markup may stand here, as a
// DocumentFragment, for what is set and for what is pasted. onInput(): it has changed. onState(names):
// which commands are on where the cursor is.
globalThis.switchboardEditor = ({ root, fragment, onInput, onState }) => {
    const editor = new Squire(root, { blockTag: "DIV", sanitizeToDOMFragment: fragment, addLinks: true });
    const state = () => onState(Object.keys(COMMANDS).filter((name) => editor.hasFormat(COMMANDS[name].tag)));
    keepEnded(root, editor);
    for (const type of ["pathChange", "select", "cursor"]) editor.addEventListener(type, state);
    editor.addEventListener("input", () => {
        onInput();
        state();
    });
    return {
        set(html) {
            editor.setHTML(html);
            if (html) editor.moveCursorToEnd();
        },
        focus: () => editor.focus(),
        does: (name) => editor.hasFormat(COMMANDS[name].tag),
        press(name, value) {
            const c = COMMANDS[name];
            if (editor.hasFormat(c.tag)) c.off(editor);
            else c.on(editor, value);
            editor.focus();
        },
        // What stands in the cursor's line before it; "" where something is chosen.
        before() {
            const range = lineBefore(root, editor.getSelection());
            return range ? range.toString() : "";
        },
        // Puts a text where the cursor is, in the place of the `back` characters before it.
        put(text, back = 0) {
            if (back) editor.focus();
            for (let i = 0; i < back; i++) getSelection().modify("extend", "backward", "character");
            editor.insertPlainText(text, false);
        },
        picture(src, attributes) {
            editor.insertImage(src, attributes);
            editor.focus();
        },
        close: () => editor.destroy(),
    };
};
