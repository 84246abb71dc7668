import { show } from "../../base/show.ts";

/**
 * A helper, which is a function of the kernel that programs call, by the name
 * that it has in C. See bpf-helpers(7).
 */
export type HelperName =
  | "bpf_map_lookup_elem"
  | "bpf_map_update_elem"
  | "bpf_map_delete_elem"
  | "bpf_probe_read"
  | "bpf_ktime_get_ns"
  | "bpf_trace_printk"
  | "bpf_get_prandom_u32"
  | "bpf_get_smp_processor_id"
  | "bpf_skb_store_bytes"
  | "bpf_l3_csum_replace"
  | "bpf_l4_csum_replace"
  | "bpf_tail_call"
  | "bpf_clone_redirect"
  | "bpf_get_current_pid_tgid"
  | "bpf_get_current_uid_gid"
  | "bpf_get_current_comm"
  | "bpf_get_cgroup_classid"
  | "bpf_skb_vlan_push"
  | "bpf_skb_vlan_pop"
  | "bpf_skb_get_tunnel_key"
  | "bpf_skb_set_tunnel_key"
  | "bpf_perf_event_read"
  | "bpf_redirect"
  | "bpf_get_route_realm"
  | "bpf_perf_event_output"
  | "bpf_skb_load_bytes"
  | "bpf_get_stackid"
  | "bpf_csum_diff"
  | "bpf_skb_get_tunnel_opt"
  | "bpf_skb_set_tunnel_opt"
  | "bpf_skb_change_proto"
  | "bpf_skb_change_type"
  | "bpf_skb_under_cgroup"
  | "bpf_get_hash_recalc"
  | "bpf_get_current_task"
  | "bpf_probe_write_user"
  | "bpf_current_task_under_cgroup"
  | "bpf_skb_change_tail"
  | "bpf_skb_pull_data"
  | "bpf_csum_update"
  | "bpf_set_hash_invalid"
  | "bpf_get_numa_node_id"
  | "bpf_skb_change_head"
  | "bpf_xdp_adjust_head"
  | "bpf_probe_read_str"
  | "bpf_get_socket_cookie"
  | "bpf_get_socket_uid"
  | "bpf_set_hash"
  | "bpf_setsockopt"
  | "bpf_skb_adjust_room"
  | "bpf_redirect_map"
  | "bpf_sk_redirect_map"
  | "bpf_sock_map_update"
  | "bpf_xdp_adjust_meta"
  | "bpf_perf_event_read_value"
  | "bpf_perf_prog_read_value"
  | "bpf_getsockopt"
  | "bpf_override_return"
  | "bpf_sock_ops_cb_flags_set"
  | "bpf_msg_redirect_map"
  | "bpf_msg_apply_bytes"
  | "bpf_msg_cork_bytes"
  | "bpf_msg_pull_data"
  | "bpf_bind"
  | "bpf_xdp_adjust_tail"
  | "bpf_skb_get_xfrm_state"
  | "bpf_get_stack"
  | "bpf_skb_load_bytes_relative"
  | "bpf_fib_lookup"
  | "bpf_sock_hash_update"
  | "bpf_msg_redirect_hash"
  | "bpf_sk_redirect_hash"
  | "bpf_lwt_push_encap"
  | "bpf_lwt_seg6_store_bytes"
  | "bpf_lwt_seg6_adjust_srh"
  | "bpf_lwt_seg6_action"
  | "bpf_rc_repeat"
  | "bpf_rc_keydown"
  | "bpf_skb_cgroup_id"
  | "bpf_get_current_cgroup_id"
  | "bpf_get_local_storage"
  | "bpf_sk_select_reuseport"
  | "bpf_skb_ancestor_cgroup_id"
  | "bpf_sk_lookup_tcp"
  | "bpf_sk_lookup_udp"
  | "bpf_sk_release"
  | "bpf_map_push_elem"
  | "bpf_map_pop_elem"
  | "bpf_map_peek_elem"
  | "bpf_msg_push_data"
  | "bpf_msg_pop_data"
  | "bpf_rc_pointer_rel"
  | "bpf_spin_lock"
  | "bpf_spin_unlock"
  | "bpf_sk_fullsock"
  | "bpf_tcp_sock"
  | "bpf_skb_ecn_set_ce"
  | "bpf_get_listener_sock"
  | "bpf_skc_lookup_tcp"
  | "bpf_tcp_check_syncookie"
  | "bpf_sysctl_get_name"
  | "bpf_sysctl_get_current_value"
  | "bpf_sysctl_get_new_value"
  | "bpf_sysctl_set_new_value"
  | "bpf_strtol"
  | "bpf_strtoul"
  | "bpf_sk_storage_get"
  | "bpf_sk_storage_delete"
  | "bpf_send_signal"
  | "bpf_tcp_gen_syncookie"
  | "bpf_skb_output"
  | "bpf_probe_read_user"
  | "bpf_probe_read_kernel"
  | "bpf_probe_read_user_str"
  | "bpf_probe_read_kernel_str"
  | "bpf_tcp_send_ack"
  | "bpf_send_signal_thread"
  | "bpf_jiffies64"
  | "bpf_read_branch_records"
  | "bpf_get_ns_current_pid_tgid"
  | "bpf_xdp_output"
  | "bpf_get_netns_cookie"
  | "bpf_get_current_ancestor_cgroup_id"
  | "bpf_sk_assign"
  | "bpf_ktime_get_boot_ns"
  | "bpf_seq_printf"
  | "bpf_seq_write"
  | "bpf_sk_cgroup_id"
  | "bpf_sk_ancestor_cgroup_id"
  | "bpf_ringbuf_output"
  | "bpf_ringbuf_reserve"
  | "bpf_ringbuf_submit"
  | "bpf_ringbuf_discard"
  | "bpf_ringbuf_query"
  | "bpf_csum_level"
  | "bpf_skc_to_tcp6_sock"
  | "bpf_skc_to_tcp_sock"
  | "bpf_skc_to_tcp_timewait_sock"
  | "bpf_skc_to_tcp_request_sock"
  | "bpf_skc_to_udp6_sock"
  | "bpf_get_task_stack"
  | "bpf_load_hdr_opt"
  | "bpf_store_hdr_opt"
  | "bpf_reserve_hdr_opt"
  | "bpf_inode_storage_get"
  | "bpf_inode_storage_delete"
  | "bpf_d_path"
  | "bpf_copy_from_user"
  | "bpf_snprintf_btf"
  | "bpf_seq_printf_btf"
  | "bpf_skb_cgroup_classid"
  | "bpf_redirect_neigh"
  | "bpf_per_cpu_ptr"
  | "bpf_this_cpu_ptr"
  | "bpf_redirect_peer"
  | "bpf_task_storage_get"
  | "bpf_task_storage_delete"
  | "bpf_get_current_task_btf"
  | "bpf_bprm_opts_set"
  | "bpf_ktime_get_coarse_ns"
  | "bpf_ima_inode_hash"
  | "bpf_sock_from_file"
  | "bpf_check_mtu"
  | "bpf_for_each_map_elem"
  | "bpf_snprintf"
  | "bpf_sys_bpf"
  | "bpf_btf_find_by_name_kind"
  | "bpf_sys_close"
  | "bpf_timer_init"
  | "bpf_timer_set_callback"
  | "bpf_timer_start"
  | "bpf_timer_cancel"
  | "bpf_get_func_ip"
  | "bpf_get_attach_cookie"
  | "bpf_task_pt_regs"
  | "bpf_get_branch_snapshot"
  | "bpf_trace_vprintk"
  | "bpf_skc_to_unix_sock"
  | "bpf_kallsyms_lookup_name"
  | "bpf_find_vma"
  | "bpf_loop"
  | "bpf_strncmp"
  | "bpf_get_func_arg"
  | "bpf_get_func_ret"
  | "bpf_get_func_arg_cnt"
  | "bpf_get_retval"
  | "bpf_set_retval"
  | "bpf_xdp_get_buff_len"
  | "bpf_xdp_load_bytes"
  | "bpf_xdp_store_bytes"
  | "bpf_copy_from_user_task"
  | "bpf_skb_set_tstamp"
  | "bpf_ima_file_hash"
  | "bpf_kptr_xchg"
  | "bpf_map_lookup_percpu_elem"
  | "bpf_skc_to_mptcp_sock"
  | "bpf_dynptr_from_mem"
  | "bpf_ringbuf_reserve_dynptr"
  | "bpf_ringbuf_submit_dynptr"
  | "bpf_ringbuf_discard_dynptr"
  | "bpf_dynptr_read"
  | "bpf_dynptr_write"
  | "bpf_dynptr_data"
  | "bpf_tcp_raw_gen_syncookie_ipv4"
  | "bpf_tcp_raw_gen_syncookie_ipv6"
  | "bpf_tcp_raw_check_syncookie_ipv4"
  | "bpf_tcp_raw_check_syncookie_ipv6"
  | "bpf_ktime_get_tai_ns"
  | "bpf_user_ringbuf_drain"
  | "bpf_cgrp_storage_get"
  | "bpf_cgrp_storage_delete";

/** `linux/bpf.h`, `enum bpf_func_id`: names without `bpf_`, each at its number. */
const names: readonly string[] = `
  unspec map_lookup_elem map_update_elem map_delete_elem probe_read
  ktime_get_ns trace_printk get_prandom_u32 get_smp_processor_id
  skb_store_bytes l3_csum_replace l4_csum_replace tail_call clone_redirect
  get_current_pid_tgid get_current_uid_gid get_current_comm
  get_cgroup_classid skb_vlan_push skb_vlan_pop skb_get_tunnel_key
  skb_set_tunnel_key perf_event_read redirect get_route_realm
  perf_event_output skb_load_bytes get_stackid csum_diff skb_get_tunnel_opt
  skb_set_tunnel_opt skb_change_proto skb_change_type skb_under_cgroup
  get_hash_recalc get_current_task probe_write_user
  current_task_under_cgroup skb_change_tail skb_pull_data csum_update
  set_hash_invalid get_numa_node_id skb_change_head xdp_adjust_head
  probe_read_str get_socket_cookie get_socket_uid set_hash setsockopt
  skb_adjust_room redirect_map sk_redirect_map sock_map_update
  xdp_adjust_meta perf_event_read_value perf_prog_read_value getsockopt
  override_return sock_ops_cb_flags_set msg_redirect_map msg_apply_bytes
  msg_cork_bytes msg_pull_data bind xdp_adjust_tail skb_get_xfrm_state
  get_stack skb_load_bytes_relative fib_lookup sock_hash_update
  msg_redirect_hash sk_redirect_hash lwt_push_encap lwt_seg6_store_bytes
  lwt_seg6_adjust_srh lwt_seg6_action rc_repeat rc_keydown skb_cgroup_id
  get_current_cgroup_id get_local_storage sk_select_reuseport
  skb_ancestor_cgroup_id sk_lookup_tcp sk_lookup_udp sk_release
  map_push_elem map_pop_elem map_peek_elem msg_push_data msg_pop_data
  rc_pointer_rel spin_lock spin_unlock sk_fullsock tcp_sock skb_ecn_set_ce
  get_listener_sock skc_lookup_tcp tcp_check_syncookie sysctl_get_name
  sysctl_get_current_value sysctl_get_new_value sysctl_set_new_value strtol
  strtoul sk_storage_get sk_storage_delete send_signal tcp_gen_syncookie
  skb_output probe_read_user probe_read_kernel probe_read_user_str
  probe_read_kernel_str tcp_send_ack send_signal_thread jiffies64
  read_branch_records get_ns_current_pid_tgid xdp_output get_netns_cookie
  get_current_ancestor_cgroup_id sk_assign ktime_get_boot_ns seq_printf
  seq_write sk_cgroup_id sk_ancestor_cgroup_id ringbuf_output
  ringbuf_reserve ringbuf_submit ringbuf_discard ringbuf_query csum_level
  skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock
  skc_to_tcp_request_sock skc_to_udp6_sock get_task_stack load_hdr_opt
  store_hdr_opt reserve_hdr_opt inode_storage_get inode_storage_delete
  d_path copy_from_user snprintf_btf seq_printf_btf skb_cgroup_classid
  redirect_neigh per_cpu_ptr this_cpu_ptr redirect_peer task_storage_get
  task_storage_delete get_current_task_btf bprm_opts_set ktime_get_coarse_ns
  ima_inode_hash sock_from_file check_mtu for_each_map_elem snprintf sys_bpf
  btf_find_by_name_kind sys_close timer_init timer_set_callback timer_start
  timer_cancel get_func_ip get_attach_cookie task_pt_regs
  get_branch_snapshot trace_vprintk skc_to_unix_sock kallsyms_lookup_name
  find_vma loop strncmp get_func_arg get_func_ret get_func_arg_cnt
  get_retval set_retval xdp_get_buff_len xdp_load_bytes xdp_store_bytes
  copy_from_user_task skb_set_tstamp ima_file_hash kptr_xchg
  map_lookup_percpu_elem skc_to_mptcp_sock dynptr_from_mem
  ringbuf_reserve_dynptr ringbuf_submit_dynptr ringbuf_discard_dynptr
  dynptr_read dynptr_write dynptr_data tcp_raw_gen_syncookie_ipv4
  tcp_raw_gen_syncookie_ipv6 tcp_raw_check_syncookie_ipv4
  tcp_raw_check_syncookie_ipv6 ktime_get_tai_ns user_ringbuf_drain
  cgrp_storage_get cgrp_storage_delete
`.trim().split(/\s+/);

/**
 * The number of a helper.
 *
 * @throws {TypeError} if there is no such name.
 */
export function helperNumber(name: unknown): number {
  const number = names.findIndex((known) => `bpf_${known}` === name);
  if (number > 0) return number;
  throw new TypeError(
    `Helper must be a name such as "bpf_map_lookup_elem": received ${
      show(name)
    }`,
  );
}
