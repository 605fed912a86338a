// Package node has what the kubelet finds on a machine with Linux, for one without: a container
// runtime, whose containers are programs of package programs, images, the network of pods, and
// facts of the machine. It has nothing of JavaScript, so that its tests run on Linux.
package node

const (
	// Name and Address are those of the node.
	Name, Address = "tab", "172.30.0.2"
	// Domain is the cluster's, Nameserver the address of its DNS.
	Domain, Nameserver = "cluster.local", "10.96.0.10"
)
