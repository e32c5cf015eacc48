// Forms that are refused, submitted without JavaScript: the page comes back with what was typed.

const long = (text, length) => text.padEnd(length, ' x');

/** Every form with text fields, by its page, with fields that contain the text and are refused. */
export const forms = ({ service, group, incident, update }, invitation, text, line) => [
  ['/register', 'register', { organization_name: line, slug: line, name: line, email: line, password: 'x' }],
  ['/login', 'account/login', { email: line, password: text, next: text }],
  ['/forgot-password', 'account/request_password_reset', { email: line }],
  ['/reset-password/none', 'account/reset_password', { token: text, password: text }],
  [invitation, 'team/join_as_new', { token: invitation.split('/').pop(), name: line, password: 'x' }],
  [invitation, 'team/join_with_password', { token: text, password: text }],
  ['/services', 'add_service', { name: '', description: text }],
  ['/services', 'add_service', { name: long(line, 110), description: text }],
  ['/services', 'add_group', { name: long(line, 110) }],
  ['/services', 'rename_group', { id: group, name: long(line, 110) }],
  [`/services/${service}`, 'edit_service', { id: service, name: '', description: text }],
  [`/services/${service}`, 'delete_service', { id: service, confirm: `${line}?` }],
  ['/incidents/new', 'incidents/open_incident', { title: '', message: text, impact: text, status: text }],
  ['/incidents/new', 'incidents/open_incident', { title: long(line, 310), message: text }],
  ['/incidents/past', 'incidents/backfill_incident', { title: line, message: text, started_at: line, resolved_at: line }],
  ['/incidents/templates', 'incidents/save_template', { name: '', title: line, message: text }],
  ['/maintenances/new', 'maintenances/schedule_maintenance', { title: line, message: text, starts: line, ends: line, recurrence: line }],
  [`/incidents/${incident}`, 'incidents/post_update', { id: incident, message: long(text, 25_010) }],
  [`/incidents/${incident}`, 'incidents/edit_update', { id: incident, update_id: update, message: long(text, 25_010) }],
  [`/incidents/${incident}`, 'incidents/edit_incident', { id: incident, title: long(line, 310) }],
  [`/incidents/${incident}`, 'incidents/write_postmortem', { id: incident, postmortem: long(text, 50_010) }],
  [`/incidents/${incident}`, 'incidents/delete_incident', { id: incident, confirm: `${line}?` }],
  ['/settings', 'rename_organization', { name: long(line, 110) }],
  ['/settings', 'set_time_zone', { time_zone: line }],
  ['/settings', 'access/create_api_token', { name: long(line, 110), scope: text }],
  ['/team', 'team/invite_member', { email: line, role: text }],
  ['/account/new-organization', 'team/create_organization', { organization_name: long(line, 110), slug: line }],
  ['/account', 'account/change_name', { name: long(line, 110) }],
  ['/account', 'account/change_email', { email: line, password: text }],
  ['/account', 'account/change_password', { password: text, new_password: text }],
  ['/confirm', 'account/confirm_password', { password: text, next: text }],
];
