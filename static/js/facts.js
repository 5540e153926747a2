/**
 * The facts we fold, as the server declares them (ms5/events/facts; a test compares).
 *
 * Types of one `family` speak of the same subject, so the newest of them tells its whole state. `subject` is the
 * field of the data that names it; once the field `endedWhen` is there and not null, the subject is no longer
 * open.
 */
export const FACTS = {
  equipment_state: { family: "equipment_state", subject: "equipment_code", endedWhen: "" },
  equipment_fault: { family: "equipment_fault", subject: "id", endedWhen: "cleared_at" },
  plc_status: { family: "plc_status", subject: "plc", endedWhen: "left_at" },
  job_assigned: { family: "job", subject: "id", endedWhen: "ended_at" },
  job_started: { family: "job", subject: "id", endedWhen: "ended_at" },
  job_completed: { family: "job", subject: "id", endedWhen: "ended_at" },
  job_cancelled: { family: "job", subject: "id", endedWhen: "ended_at" },
  downtime_event: { family: "downtime_event", subject: "id", endedWhen: "ended_at" },
  andon_event: { family: "andon_event", subject: "id", endedWhen: "ended_at" },
  escalation_update: { family: "escalation_update", subject: "id", endedWhen: "closed_at" },
  quality_alert: { family: "quality_alert", subject: "id", endedWhen: "cleared_at" },
  changeover_started: { family: "changeover", subject: "id", endedWhen: "ended_at" },
  changeover_completed: { family: "changeover", subject: "id", endedWhen: "ended_at" },
  correction: { family: "correction", subject: "id", endedWhen: "corrected_at" },
};
