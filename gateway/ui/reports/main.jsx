// main.jsx - the reports: a bundle of its own, fetched when they are wanted (inbox/admin_gate.jsx).
import { Reports } from "./page.jsx";
import "./reports.css";

globalThis.switchboardPages = { ...globalThis.switchboardPages, reports: Reports };
