// late_parts.jsx - what the inbox shows or does only when it is asked for, or when it has been drawn: a bundle of its own
// (late.jsx).
import { Background } from "./background.jsx";
import { ClientEdit } from "./client_edit.jsx";
import { EmojiPicker } from "./emoji.jsx";
import { FilterDialog } from "./filter_dialog.jsx";
import { GiveContact, GivePlace } from "./give.jsx";
import { Help } from "./help.jsx";
import { TemplateDialog } from "./template_dialog.jsx";
import { Trace } from "./trace.jsx";
import { Viewer } from "./viewer.jsx";
import "./css/late.css";

globalThis.switchboardPages = {
    ...globalThis.switchboardPages, background: Background, edit: ClientEdit, emoji: EmojiPicker, filter: FilterDialog, place: GivePlace, contact: GiveContact,
    help: Help, template: TemplateDialog, trace: Trace, viewer: Viewer,
};
