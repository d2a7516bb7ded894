//! What the profile names of macOS itself: folders, devices and services.

/// System folders whose files may be read and run.
pub const SYSTEM: [&str; 10] = [
    "/usr",
    "/bin",
    "/sbin",
    "/System/Library",
    "/System/Cryptexes",
    "/System/Volumes/Preboot/Cryptexes",
    "/Library/Apple",
    "/Library/Frameworks",
    "/Library/Developer/CommandLineTools",
    "/opt/homebrew",
];
/// Data of servers that were installed by a package manager: databases, sockets, logs.
pub const SERVERS: [&str; 2] = ["/opt/homebrew/var", "/usr/local/var"];
/// System files that are read, but never run.
pub const SETTINGS: [&str; 13] = [
    "/private/etc/hosts",
    "/private/etc/services",
    "/private/etc/protocols",
    "/private/etc/ssl",
    "/private/etc/localtime",
    "/private/etc/passwd",
    "/private/etc/shells",
    // git ends with an error when it may not read its system's settings.
    "/private/etc/gitconfig",
    "/private/var/db/timezone",
    "/private/var/db/dyld",
    "/private/var/db/xcode_select_link",
    "/private/var/select",
    "/dev/fd",
];
/// Links at the root that lead to readable places; programs look at them on their way.
pub const LINKS: [&str; 3] = ["/etc", "/var", "/tmp"];
/// Devices that are read.
pub const DEVICES: [&str; 9] = [
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
    "/dev/autofs_nowait",
    "/dev/dtracehelper",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/stderr",
];
/// A program's own open streams under names.
pub const STREAMS: [&str; 2] = ["/dev/stdout", "/dev/stderr"];
/// Services that every program needs to run.
pub const MACH: [&str; 11] = [
    "com.apple.system.opendirectoryd.libinfo",
    "com.apple.system.opendirectoryd.membership",
    "com.apple.logd",
    "com.apple.system.logger",
    "com.apple.system.notification_center",
    "com.apple.diagnosticd",
    "com.apple.cfprefsd.daemon",
    "com.apple.cfprefsd.agent",
    "com.apple.bsd.dirhelper",
    "com.apple.PowerManagement.control",
    "com.apple.FSEvents",
];
/// Services denied by name, so that a later rule with a wildcard cannot open them unseen.
pub const MACH_DENIED: [&str; 30] = [
    "com.apple.SecurityServer",
    "com.apple.securityd",
    "com.apple.securityd.xpc",
    "com.apple.secd",
    "com.apple.security.agent",
    "com.apple.security.authhost",
    "com.apple.security.keychaind",
    "com.apple.trustd",
    "com.apple.trustd.agent",
    "com.apple.ocspd",
    "com.apple.nsurlsessiond",
    "com.apple.networkd",
    "com.apple.mDNSResponder",
    "com.apple.dnssd.service",
    "com.apple.SystemConfiguration.DNSConfiguration",
    "com.apple.SystemConfiguration.configd",
    "com.apple.coreservices.launchservicesd",
    "com.apple.CoreServices.coreservicesd",
    "com.apple.coreservices.quarantine-resolver",
    "com.apple.coreservices.appleevents",
    "com.apple.CoreAuthentication.daemon",
    "com.apple.tccd",
    "com.apple.tccd.system",
    "com.apple.windowserver.active",
    "com.apple.distributed_notifications@1v3",
    "com.apple.distributed_notifications@Uv3",
    "com.apple.bird",
    "com.apple.DiskArbitration.diskarbitrationd",
    "com.apple.sharingd",
    "com.apple.xpc.smd",
];
/// Families of services, denied by how their names begin.
pub const MACH_DENIED_FAMILIES: [&str; 9] = [
    "com.apple.lsd.",
    "com.apple.pasteboard.",
    "com.apple.windowserver",
    "com.apple.metadata.mds",
    "com.apple.FileProvider",
    "com.apple.security",
    "com.docker",
    "dev.orbstack",
    "dev.kdrag0n.MacVirt",
];
/// Files of toolchains that hold credentials: the end of an expression after a folder's path.
pub const CREDENTIALS: &str = "/(.*/)?(credentials(\\.toml|\\.json)?|\\.npmrc|\\.yarnrc\\.yml|[._]netrc|\\.pypirc|\\.git-credentials|id_(rsa|dsa|ecdsa|ed25519))$";
/// What of a git repository git trusts: programs it runs, and where it looks for more of them.
pub const GIT: [&str; 7] = [
    ".git/hooks",
    ".git/config",
    ".git/config.worktree",
    ".git/commondir",
    ".git/info/attributes",
    ".git/modules",
    ".git/worktrees",
];
