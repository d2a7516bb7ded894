//! The filter whose calls go to the broker.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use super::super::inner::seccomp::sockets;

/// Stands in the compiled program where the kernel is to ask the listener: the compiler knows no
/// such action, and no filter of lcc's asks a tracer.
const PLACEHOLDER: u16 = 0x1cc;
const RETURN: u16 = 0x06;
const ASK_TRACER: u32 = 0x7ff0_0000;
const ASK_LISTENER: u32 = 0x7fc0_0000;

/// `connect`, data with the connection request, and every socket that is not allowed.
///
/// # Errors
/// When the compiler does not know this processor.
pub fn program() -> Result<BpfProgram, Error> {
    let rules = [
        (libc::SYS_connect, Vec::new()),
        (libc::SYS_socket, sockets()?),
        (libc::SYS_sendto, vec![fast_open(3)?]),
        (libc::SYS_sendmsg, vec![fast_open(2)?]),
        (libc::SYS_sendmmsg, vec![fast_open(3)?]),
    ];
    let mut program = compile(rules.into(), SeccompAction::Trace(u32::from(PLACEHOLDER)))?;
    for step in &mut program {
        if step.code == RETURN && step.k == ASK_TRACER | u32::from(PLACEHOLDER) {
            step.k = ASK_LISTENER;
        }
    }
    Ok(program)
}

/// Calls by which a program would take connections from outside, where the network is the host's.
///
/// # Errors
/// When the compiler does not know this processor.
pub fn no_servers() -> Result<BpfProgram, Error> {
    let calls = [libc::SYS_bind, libc::SYS_listen, libc::SYS_accept, libc::SYS_accept4];
    let rules = calls.map(|call| (call, Vec::new()));
    compile(rules.into(), SeccompAction::Errno(libc::EPERM.unsigned_abs()))
}

/// Matches a call whose flags, its argument of this index, send data with the connection request.
fn fast_open(index: u8) -> Result<SeccompRule, Error> {
    let flag = u64::from(libc::MSG_FASTOPEN.cast_unsigned());
    let asks = SeccompCondition::new(index, Dword, SeccompCmpOp::MaskedEq(flag), flag)?;
    Ok(SeccompRule::new(vec![asks])?)
}

/// One filter: `answer` where a rule matches, leave everywhere else.
fn compile(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    answer: SeccompAction,
) -> Result<BpfProgram, Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    Ok(SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)?.try_into()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_told_to_ask_the_listener_and_nobody_else() {
        let program = program().unwrap();
        let answers: Vec<u32> =
            program.iter().filter(|step| step.code == RETURN).map(|step| step.k).collect();
        assert!(answers.contains(&ASK_LISTENER));
        assert!(answers.iter().all(|answer| answer & 0xffff_0000 != ASK_TRACER), "{answers:x?}");
        assert!(no_servers().unwrap().len() > 4);
    }
}
