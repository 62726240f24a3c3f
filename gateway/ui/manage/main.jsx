// main.jsx - what admins look after beside channels and agents: a bundle of its own, fetched when the first of these
// pages is wanted (inbox/admin_gate.jsx).
import { Audit } from "./audit.jsx";
import { Labels } from "./labels.jsx";
import { Start } from "./start.jsx";
import { System } from "./system.jsx";
import { Teams } from "./teams.jsx";
import { Tokens } from "./tokens.jsx";
import "./manage.css";

globalThis.switchboardPages = { ...globalThis.switchboardPages, audit: Audit, labels: Labels, start: Start, system: System, teams: Teams, tokens: Tokens };
