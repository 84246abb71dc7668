// A program of every section that libbpf knows; nobody loads them.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

// Kinds of maps that not every header and kernel has.
struct {
	__uint(type, 32); // BPF_MAP_TYPE_CGRP_STORAGE
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, unsigned long long);
} cgrp_storage SEC(".maps");

struct {
	__uint(type, 33); // BPF_MAP_TYPE_ARENA
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
} arena SEC(".maps");

struct {
	__uint(type, 1000);
	__type(key, int);
	__type(value, unsigned long long);
} unknown SEC(".maps");

#define PROGRAM(name, section) \
	SEC(section) int in_##name(void *context) { return 0; }

PROGRAM(socket, "socket")
PROGRAM(sk_reuseport, "sk_reuseport/migrate")
PROGRAM(kprobe, "kprobe/do_nanosleep")
PROGRAM(kprobe_bare, "kprobe")
PROGRAM(kretprobe, "kretprobe/do_nanosleep")
PROGRAM(kprobe_multi, "kprobe.multi/tcp_*")
PROGRAM(kprobe_session, "kprobe.session/tcp_*")
PROGRAM(ksyscall, "ksyscall/nanosleep")
PROGRAM(uprobe, "uprobe//bin/sh:main")
PROGRAM(uprobe_bare, "uprobe")
PROGRAM(uprobe_sleepable, "uprobe.s//bin/sh:main")
PROGRAM(uretprobe, "uretprobe//bin/sh:main")
PROGRAM(uprobe_multi, "uprobe.multi//bin/sh:m*")
PROGRAM(usdt, "usdt/libc.so.6:libc:setjmp")
PROGRAM(usdt_bare, "usdt")
PROGRAM(tc, "tc")
PROGRAM(classifier, "classifier/old")
PROGRAM(tcx, "tcx/ingress")
PROGRAM(action, "action")
PROGRAM(netkit, "netkit/primary")
PROGRAM(tp, "tp/sched/sched_switch")
PROGRAM(tracepoint, "tracepoint/sched/sched_switch")
PROGRAM(tp_bare, "tp")
PROGRAM(raw_tp, "raw_tp/sys_enter")
PROGRAM(raw_tp_bare, "raw_tp")
PROGRAM(raw_tp_writable, "raw_tp.w/nbd_send_request")
PROGRAM(tp_btf, "tp_btf/sys_enter")
PROGRAM(fentry, "fentry/do_nanosleep")
PROGRAM(fexit, "fexit.s/do_nanosleep")
PROGRAM(fmod_ret, "fmod_ret/security_file_open")
PROGRAM(freplace, "freplace/function")
PROGRAM(lsm, "lsm.s/file_open")
PROGRAM(lsm_cgroup, "lsm_cgroup/socket_bind")
PROGRAM(iter, "iter/task")
PROGRAM(iter_map, "iter/bpf_map_elem")
PROGRAM(syscall, "syscall")
PROGRAM(xdp, "xdp")
PROGRAM(xdp_frags, "xdp.frags")
PROGRAM(xdp_devmap, "xdp/devmap")
PROGRAM(perf_event, "perf_event")
PROGRAM(lwt, "lwt_xmit")
PROGRAM(sockops, "sockops")
PROGRAM(sk_skb, "sk_skb/stream_parser")
PROGRAM(sk_msg, "sk_msg")
PROGRAM(flow_dissector, "flow_dissector")
PROGRAM(sk_lookup, "sk_lookup")
PROGRAM(netfilter, "netfilter")
PROGRAM(cgroup_skb, "cgroup_skb/egress")
PROGRAM(cgroup_sock, "cgroup/sock_create")
PROGRAM(cgroup_device, "cgroup/dev")
PROGRAM(struct_ops, "struct_ops/init")
PROGRAM(optional, "?fentry/do_nanosleep")
