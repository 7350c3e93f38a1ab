"""The forms of tokens that can be recognised by their form. To find another kind, add a line to :data:`FORMS`.

A line has the kind, the text that each of its tokens begins with, and an expression for the rest. The forms are
those that the issuers publish. Every repetition has a limit, and a token must vary enough: ``sk-xxxxxxxx`` is
none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from refork.redaction.detectors.spans import Pattern, TextSpan, places

START: Final = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2}))"
"""The position before a token: not within a word. An escape of a URL before it does not count as a word."""
END: Final = r"(?![A-Za-z0-9])"
_HEX32: Final = r"[0-9a-f]{32}" + END
_HEX40: Final = r"[0-9a-f]{40}" + END
_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}" + END

FORMS: Final[tuple[tuple[str, str, str], ...]] = (
    ("adobe-secret", "p8e-", r"[A-Za-z0-9]{32}" + END),
    ("age-key", "AGE-SECRET-KEY-1", r"[0-9A-Z]{50,64}"),
    ("airtable-token", "pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    ("alibaba-key", "LTAI", r"[A-Za-z0-9]{16,26}" + END),
    ("anthropic-key", "sk-ant-", r"[\w-]{20,300}"),
    ("artifactory-token", "AKCp", r"\d[A-Za-z0-9]{50,200}"),
    ("artifactory-token", "cmVmdGtu", r"[A-Za-z0-9]{50,80}"),
    ("asana-token", "1/", r"\d{12,20}:[0-9a-f]{32}"),
    ("asana-token", "2/", r"\d{12,20}/\d{12,20}:[0-9a-f]{32}"),
    ("atlassian-token", "ATATT3", r"[\w=-]{60,400}"),
    ("atlassian-token", "ATCTT3", r"[\w=-]{60,400}"),
    ("atlassian-token", "ATBB", r"[A-Za-z0-9]{20,64}" + END),
    ("atlassian-token", "BBDC-", r"[A-Za-z0-9+/=]{30,80}"),
    ("arize-key", "ak-", _UUID + r"(?:-[\w-]{8,80})?"),
    ("aws-key", "AKIA", r"[A-Z0-9]{16}" + END),
    ("aws-key", "ASIA", r"[A-Z0-9]{16}" + END),
    ("aws-key", "ABIA", r"[A-Z0-9]{16}" + END),
    ("aws-key", "ACCA", r"[A-Z0-9]{16}" + END),
    ("aws-key", "A3T", r"[A-Z0-9]{17}" + END),
    ("aws-key", "ABSK", r"[A-Za-z0-9+/]{100,300}={0,2}"),
    ("aws-session-token", "IQoJb3JpZ2lu", r"[A-Za-z0-9+/]{80,2000}={0,2}"),
    ("axiom-token", "xaat-", _UUID),
    ("axiom-token", "xapt-", _UUID),
    ("brevo-key", "xkeysib-", r"[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    ("brevo-key", "xsmtpsib-", r"[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    ("buildkite-token", "bkua_", _HEX40),
    ("buildkite-token", "bkct_", r"[A-Za-z0-9]{40,100}"),
    ("circleci-token", "CCIPAT_", r"[A-Za-z0-9_]{40,100}"),
    ("clickhouse-key", "4b1d", r"[A-Za-z0-9]{38}" + END),
    ("clojars-token", "CLOJARS_", r"[0-9a-z]{60}"),
    ("cloudflare-key", "v1.0-", r"[0-9a-f]{24}-[0-9a-f]{146}"),
    ("contentful-token", "CFPAT-", r"[\w-]{40,60}"),
    ("crates-token", "cio", r"[A-Za-z0-9]{32}" + END),
    ("databricks-token", "dapi", r"[0-9a-f]{32}(?:-\d{1,2})?" + END),
    ("databricks-token", "dkea", r"[0-9a-f]{32}(?:-\d{1,2})?" + END),
    ("databricks-token", "dose", r"[0-9a-f]{32}(?:-\d{1,2})?" + END),
    ("databricks-token", "dsapi", r"[0-9a-f]{32}(?:-\d{1,2})?" + END),
    ("dbt-token", "dbtc_", r"[\w-]{36,60}"),
    ("dbt-token", "dbtu_", r"[\w-]{36,60}"),
    ("digitalocean-token", "doo_v1_", r"[0-9a-f]{64}"),
    ("digitalocean-token", "dop_v1_", r"[0-9a-f]{64}"),
    ("digitalocean-token", "dor_v1_", r"[0-9a-f]{64}"),
    ("discord-webhook", "discord.com/api/webhooks/", r"\d{15,22}/[\w-]{50,90}"),
    ("discord-webhook", "discordapp.com/api/webhooks/", r"\d{15,22}/[\w-]{50,90}"),
    ("docker-token", "dckr_oat_", r"[\w-]{20,60}"),
    ("docker-token", "dckr_pat_", r"[\w-]{20,60}"),
    ("doppler-token", "dp.", r"(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{1,40}\.)?[A-Za-z0-9]{38,60}"),
    ("dropbox-token", "sl.", r"(?:u\.)?[\w-]{100,1500}"),
    ("duffel-token", "duffel_live_", r"[\w-]{40,60}"),
    ("dynatrace-token", "dt0c01.", r"[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    ("dynatrace-token", "dt0s16.", r"[A-Z0-9]{8,24}\.[A-Z0-9]{64}"),
    ("easypost-key", "EZAK", r"[A-Za-z0-9]{54}" + END),
    ("elevenlabs-key", "sk_", r"[0-9a-f]{48}" + END),
    ("facebook-token", "EAA", r"[A-Za-z0-9]{80,300}" + END),
    ("figma-token", "figd_", r"[\w-]{36,60}"),
    ("figma-token", "figo_", r"[\w-]{36,60}"),
    ("firecrawl-key", "fc-", _HEX32),
    ("fireworks-key", "fw_", r"[A-Za-z0-9]{20,60}" + END),
    ("flutterwave-key", "FLWSECK-", r"[A-Za-z0-9-]{12,60}"),
    ("flutterwave-key", "FLWSECK_TEST-", r"[A-Za-z0-9-]{12,60}"),
    ("fly-token", "FlyV1 ", r"fm\d[ar]?_[A-Za-z0-9+/=,_]{40,4000}"),
    ("fly-token", "fm1", r"[ar]_[A-Za-z0-9+/=]{40,4000}"),
    ("fly-token", "fm2_", r"[A-Za-z0-9+/=,_]{40,4000}"),
    ("fly-token", "fo1_", r"[\w-]{40,60}"),
    ("github-token", "ghp_", r"[A-Za-z0-9]{30,255}"),
    ("github-token", "gho_", r"[A-Za-z0-9]{30,255}"),
    ("github-token", "ghu_", r"[A-Za-z0-9]{30,255}"),
    ("github-token", "ghs_", r"[A-Za-z0-9]{30,255}"),
    ("github-token", "ghr_", r"[A-Za-z0-9]{30,255}"),
    ("github-token", "github_pat_", r"[A-Za-z0-9_]{22,255}"),
    ("gitlab-token", "GR1348941", r"[\w-]{20,60}"),
    ("gitlab-token", "_gitlab_session=", r"[0-9a-z]{32}"),
    ("gitlab-token", "gl", r"(?:pat|dt|ft|soat|rt|rtr|cbt|imt|ptt|agent|oas|ffct)-[\w.-]{19,300}"),
    ("google-key", "AIza", r"[\w-]{35}"),
    ("google-key", "GOCSPX-", r"[\w-]{28}"),
    ("google-token", "1//0", r"[\w-]{40,300}"),
    ("google-token", "ya29.", r"[\w.-]{30,1000}"),
    ("grafana-token", "eyJrIjoi", r"[A-Za-z0-9+/_-]{50,300}={0,2}"),
    ("grafana-token", "glc_", r"[A-Za-z0-9+/]{30,400}={0,2}"),
    ("grafana-token", "glsa_", r"[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}"),
    ("groq-key", "gsk_", r"[A-Za-z0-9]{40,80}"),
    ("hashicorp-vault-token", "hvb.", r"[\w-]{60,400}"),
    ("hashicorp-vault-token", "hvr.", r"[\w-]{60,400}"),
    ("hashicorp-vault-token", "s.", r"[A-Za-z0-9]{24}(?![\w.(])"),
    ("hashicorp-vault-token", "hvs.", r"[\w-]{20,400}"),
    ("heroku-key", "HRKU-", r"[\w-]{30,80}"),
    ("honeycomb-key", "hcaik_", r"[0-9a-z]{40,80}"),
    ("honeycomb-key", "hcamk_", r"[0-9a-z]{30,80}"),
    ("honeycomb-key", "hcxik_", r"[0-9a-z]{40,80}"),
    ("hubspot-token", "pat-", r"[a-z]{2}\d-" + _UUID),
    ("huggingface-token", "api_org_", r"[A-Za-z0-9]{30,60}"),
    ("huggingface-token", "hf_", r"[A-Za-z0-9]{30,60}" + END),
    ("jina-key", "jina_", r"[\w-]{40,100}"),
    ("langfuse-key", "pk-lf-", _UUID),
    ("langfuse-key", "sk-lf-", _UUID),
    ("langsmith-key", "ls__", _HEX32),
    ("langsmith-key", "lsv2_", r"(?:pt|sk|it)_[0-9a-f]{32}_[0-9a-f]{10}"),
    ("launchdarkly-key", "sdk-", _UUID),
    ("linear-key", "lin_api_", r"[A-Za-z0-9]{36,60}"),
    ("linear-key", "lin_oauth_", r"[A-Za-z0-9]{36,100}"),
    ("lob-key", "live_", r"[0-9a-f]{35}" + END),
    ("logfire-token", "pylf_v", r"\d_(?:[a-z]{2,10}_)?[A-Za-z0-9]{36,80}"),
    ("mailgun-key", "key-", _HEX32),
    ("mailgun-key", "pubkey-", _HEX32),
    ("mapbox-token", "sk.eyJ", r"[\w-]{40,200}\.[\w-]{20,40}"),
    ("mapbox-token", "tk.eyJ", r"[\w-]{40,200}\.[\w-]{20,40}"),
    ("mongodb-atlas-secret", "mdb_sa_sk_", r"[\w-]{36,60}"),
    ("neon-key", "napi_", r"[a-z0-9]{40,80}"),
    ("netlify-token", "nf", r"[pcoub]_[A-Za-z0-9]{36,60}"),
    ("new-relic-key", "NRAA-", r"[a-f0-9]{27}" + END),
    ("new-relic-key", "NRAK-", r"[A-Z0-9]{27}" + END),
    ("new-relic-key", "NRII-", r"[\w-]{32}"),
    ("new-relic-key", "NRJS-", r"[a-f0-9]{19}" + END),
    ("new-relic-key", "NRRA-", r"[a-f0-9]{42}" + END),
    ("notion-token", "ntn_", r"\d{8,14}[A-Za-z0-9]{32,40}"),
    ("notion-token", "secret_", r"[A-Za-z0-9]{43}" + END),
    ("npm-token", "npm_", r"[A-Za-z0-9]{36}" + END),
    ("nuget-key", "oy2", r"[a-z0-9]{43}" + END),
    ("nvidia-key", "nvapi-", r"[\w-]{50,100}"),
    ("one-password-token", "A3-", r"[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"),
    ("one-password-token", "ops_eyJ", r"[A-Za-z0-9+/_-]{200,2000}={0,3}"),
    ("openai-key", "sk-", r"[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    ("openai-key", "sk-", r"(?:proj|svcacct|admin|service|None)-[\w-]{20,300}"),
    ("openai-key", "sk-", r"[A-Za-z0-9]{32,80}" + END),
    ("openrouter-key", "sk-or-", r"(?:v\d-)?[0-9a-f]{48,64}"),
    ("openshift-token", "sha256~", r"[\w-]{43}"),
    ("packagist-token", "packagist_", r"[a-z]{3}_[0-9a-f]{40,80}"),
    ("paypal-token", "access_token$", r"(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}"),
    ("perplexity-key", "pplx-", r"[A-Za-z0-9]{40,80}"),
    ("pinecone-key", "pcsk_", r"[A-Za-z0-9]{4,8}_[A-Za-z0-9]{40,80}"),
    ("plaid-token", "access-", r"(?:production|development|sandbox)-" + _UUID),
    ("planetscale-token", "pscale_", r"(?:tkn|pw|oauth|app)_[\w.=-]{30,80}"),
    ("posthog-key", "ph", r"[cxsa]_[A-Za-z0-9]{40,60}" + END),
    ("postman-key", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    ("prefect-key", "pnb_", r"[A-Za-z0-9]{36}" + END),
    ("prefect-key", "pnu_", r"[A-Za-z0-9]{36}" + END),
    ("pulumi-token", "pul-", _HEX40),
    ("pypi-token", "pypi-", r"[\w-]{50,1000}"),
    ("razorpay-key", "rzp_live_", r"[A-Za-z0-9]{14,24}"),
    ("readme-key", "rdme_", r"[0-9a-z]{60,80}"),
    ("replicate-token", "r8_", r"[A-Za-z0-9]{37,40}" + END),
    ("resend-key", "re_", r"[A-Za-z0-9]{8}_[A-Za-z0-9]{24}" + END),
    ("rubygems-token", "rubygems_", r"[0-9a-f]{48}"),
    ("sendgrid-key", "SG.", r"[\w-]{20,24}\.[\w-]{39,50}"),
    ("sentry-token", "sntrys_eyJ", r"[A-Za-z0-9+/_=-]{60,500}"),
    ("sentry-token", "sntryu_", r"[0-9a-f]{64}"),
    ("shippo-token", "shippo_live_", _HEX40),
    ("shopify-token", "shp", r"(?:at|ss|ca|pa|ua|tka)_[0-9a-fA-F]{32}"),
    ("slack-token", "xapp-", r"\d-[A-Za-z0-9-]{20,150}"),
    ("slack-token", "xox", r"[a-z](?:\.[a-z0-9-]{1,6})?-[A-Za-z0-9-]{10,250}"),
    ("slack-webhook", "hooks.slack.com/", r"(?:services|workflows|triggers)/[\w/]{20,150}"),
    ("sonar-token", "sq", r"[apu]_[0-9a-f]{40}" + END),
    ("square-token", "EAAA", r"[\w-]{60}(?![\w-])"),
    ("square-token", "sq0", r"(?:atp|csp|idp|ats)-[\w-]{22,43}"),
    ("stripe-key", "whsec_", r"[A-Za-z0-9+/=]{24,80}"),
    ("stripe-key", "rk_", r"(?:live|test|prod)_[A-Za-z0-9]{16,250}"),
    ("stripe-key", "sk_", r"(?:live|test|prod)_[A-Za-z0-9]{16,250}"),
    ("supabase-key", "sb_secret_", r"[\w-]{20,60}"),
    ("supabase-key", "sbp_", r"(?:v\d_)?[0-9a-f]{40}"),
    ("tailscale-key", "tskey-", r"(?:[a-z]{2,12}-)?[A-Za-z0-9]{8,20}-[A-Za-z0-9]{20,50}"),
    ("tavily-key", "tvly-", r"(?:(?:dev|prod)-)?[A-Za-z0-9]{20,60}"),
    ("teams-webhook", "webhook.office.com/webhookb2/", r"[\w@-]{60,90}/IncomingWebhook/[0-9a-f]{32}/[\w-]{30,80}"),
    ("tencent-key", "AKID", r"[A-Za-z0-9]{32}" + END),
    ("together-key", "tgp_v1_", r"[\w-]{40,60}"),
    ("twilio-key", "SK", _HEX32),
    ("typeform-token", "tfp_", r"[\w-]{40,80}"),
    ("vercel-token", "vc", r"[pkiaro]_[A-Za-z0-9]{24,80}" + END),
    ("voyage-key", "pa-", r"[\w-]{43}(?![\w-])"),
    ("wandb-key", "wandb_v1_", r"[A-Za-z0-9_]{40,100}"),
    ("xai-key", "xai-", r"[A-Za-z0-9]{70,90}"),
    ("yandex-key", "AQVN", r"[\w-]{35,40}"),
    ("yandex-token", "y0_", r"[\w-]{50,70}"),
)  # fmt: skip

# What does not begin with what gives it away.
INNER: Final[tuple[tuple[str, str, str], ...]] = (
    ("azure-secret", "8Q~", r"[\w~.-]{3}8Q~[\w~.-]{31,34}"),
    ("azure-devops-token", "AZDO", r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}" + END),
    ("azure-devops-token", "JQQJ99", r"[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{18,30}" + END),
    ("discord-token", ".", r"[MNO][A-Za-z0-9_-]{23,27}\.[\w-]{6}\.[\w-]{27,40}"),
    ("mailchimp-key", "-us", r"[0-9a-f]{32}-us\d{1,2}" + END),
    ("mailgun-key", "-", r"[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![\w-])"),
    ("new-relic-key", "NRAL", r"(?:eu01xx)?[0-9a-fx]{30,36}NRAL" + END),
    ("telegram-token", ":AA", r"\d{8,10}:AA[\w-]{32,34}"),
    ("terraform-token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70}"),
)


@dataclass(frozen=True)
class TokenForm:
    """A kind of token that begins with ``prefix``; ``regex`` matches from there."""

    kind: str
    prefix: str
    regex: re.Pattern[str]

    def find(self, text: str, _lowered: str) -> Iterator[TextSpan]:
        end = 0
        for at in places(text, self.prefix):
            if at < end:
                continue
            match = self.regex.match(text, at)
            if match is not None and is_varied(match[0][len(self.prefix) :]):
                end = match.end()
                yield TextSpan(at, end, self.kind)


def forms() -> Iterator[TokenForm]:
    for kind, prefix, rest in FORMS:
        yield TokenForm(kind, prefix, re.compile(START + re.escape(prefix) + f"(?:{rest})", re.ASCII))


def inner_forms() -> Iterator[Pattern]:
    for kind, needle, form in INNER:
        regex = re.compile(START + form, re.ASCII)
        yield Pattern(kind=kind, regex=regex, needles=(needle.lower(),), accepts=is_varied)


def is_varied(text: str) -> bool:
    """Return whether ``text`` may be random: it has digits, or letters of both cases, and is not a row of ``x`` or
    ``*``.
    """
    rest = text.strip("xX*.-_") if text[:1] in "xX*.-_" else text
    mixed = any(map(str.isdigit, rest)) or (rest != rest.lower() and rest != rest.upper())
    return mixed and len(rest) >= 8 and len(set(rest)) > 1
