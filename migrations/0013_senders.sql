-- What a merchant's mail at the operator's domains begins with, and how many emails a day it may send from there;
-- null: by its id, and as many as EMAILS_A_DAY says.
ALTER TABLE merchants ADD COLUMN email_name TEXT;
ALTER TABLE merchants ADD COLUMN daily_email_limit INTEGER;
CREATE UNIQUE INDEX merchants_email_name ON merchants (email_name) WHERE email_name IS NOT NULL;

-- Whoever sends from a name already keeps it: the first one who did, where it does not speak for the domain itself.
UPDATE merchants SET email_name = (
  SELECT local FROM (
    SELECT merchant, local, row_number() OVER (PARTITION BY local ORDER BY created_at, merchant) AS place FROM (
      SELECT merchant, created_at, substr(address, 1, instr(address, '@') - 1) AS local FROM (
        SELECT merchant, created_at, substr(sender, instr(sender, '<') + 1) AS address FROM (
          SELECT merchant, created_at, lower(settings->>'from') AS sender FROM channel_accounts
          WHERE channel = 'email' AND provider = 'cloudflare')))
  ) WHERE merchant = merchants.id AND place = 1
    AND length(local) BETWEEN 2 AND 40 AND local NOT GLOB '*[^a-z0-9._-]*' AND local NOT LIKE 'mer-%'
    AND rtrim(replace(replace(replace(local, '.', ''), '-', ''), '_', ''), '0123456789') NOT IN ('',
      'abuse', 'account', 'accounts', 'admin', 'administrator', 'alert', 'alerts', 'all', 'api', 'bank', 'billing',
      'bot', 'bounce', 'bounces', 'card', 'cards', 'ceo', 'compliance', 'contact', 'customerservice', 'daemon', 'dev',
      'dns', 'donotreply', 'everyone', 'feedback', 'finance', 'fraud', 'ftp', 'help', 'helpdesk', 'hello', 'hostmaster',
      'hr', 'info', 'invoice', 'invoices', 'it', 'legal', 'list', 'mail', 'mailer', 'mailerdaemon', 'marketing',
      'members', 'money', 'news', 'newsletter', 'nobody', 'noc', 'noreply', 'notice', 'notification', 'notifications',
      'notify', 'office', 'operations', 'operator', 'ops', 'owner', 'password', 'paybell', 'payment', 'payments',
      'payout', 'payouts', 'postmaster', 'privacy', 'receipt', 'receipts', 'refund', 'refunds', 'reply', 'risk', 'root',
      'sales', 'security', 'server', 'service', 'services', 'spam', 'staff', 'status', 'statements', 'support',
      'sysadmin', 'system', 'team', 'test', 'trust', 'update', 'updates', 'usenet', 'user', 'uucp', 'verification',
      'verify', 'web', 'webmaster', 'welcome', 'www')
);

-- Emails that a merchant has sent from the operator's domains on a day (epoch ms of its start, UTC): the newest day.
CREATE TABLE email_counts (
  merchant TEXT NOT NULL PRIMARY KEY,
  day INTEGER NOT NULL,
  emails INTEGER NOT NULL
);
