// main.jsx - working hours and answer times: a bundle of its own, fetched when they are wanted (inbox/admin_gate.jsx).
import { Hours } from "./page.jsx";
import "./hours.css";

globalThis.switchboardPages = { ...globalThis.switchboardPages, hours: Hours };
