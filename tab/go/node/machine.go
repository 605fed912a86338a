package node

import (
	"context"

	cadvisor "github.com/google/cadvisor/lib/model"
	"k8s.io/klog/v2"
)

// Machine says what cAdvisor would say of this one, which measures nothing: one processor,
// as the whole cluster runs in one thread, and as much memory as a browser gives a page.
type Machine struct{}

// disk is in memory, and never full for the kubelet.
var disk = cadvisor.FsInfo{Device: "memory", Capacity: 1 << 30, Available: 1 << 30}

// Start does nothing.
func (Machine) Start() error { return nil }

// ContainerInfoV2 has no container: there are no cgroups.
func (Machine) ContainerInfoV2(
	string, cadvisor.RequestOptions,
) (map[string]cadvisor.ContainerInfo, error) {
	return map[string]cadvisor.ContainerInfo{}, nil
}

// GetRequestedContainersInfo has none, either.
func (Machine) GetRequestedContainersInfo(
	string, cadvisor.RequestOptions,
) (map[string]*cadvisor.ContainerInfo, error) {
	return map[string]*cadvisor.ContainerInfo{}, nil
}

// MachineInfo returns what the node's capacity is taken from.
func (Machine) MachineInfo(klog.Logger) (*cadvisor.MachineInfo, error) {
	return &cadvisor.MachineInfo{
		NumCores: 1, NumPhysicalCores: 1, NumSockets: 1, MemoryCapacity: 1 << 30,
		InstanceID: Name, MachineID: Name, SystemUUID: Name, BootID: Name,
	}, nil
}

// VersionInfo says that there is no kernel.
func (Machine) VersionInfo() (*cadvisor.VersionInfo, error) {
	return &cadvisor.VersionInfo{
		KernelVersion: "none", ContainerOsVersion: "a browser's tab",
	}, nil
}

// ImagesFsInfo, RootFsInfo, ContainerFsInfo and GetDirFsInfo return the one disk.
func (Machine) ImagesFsInfo(context.Context) (cadvisor.FsInfo, error)    { return disk, nil }
func (Machine) RootFsInfo() (cadvisor.FsInfo, error)                     { return disk, nil }
func (Machine) ContainerFsInfo(context.Context) (cadvisor.FsInfo, error) { return disk, nil }
func (Machine) GetDirFsInfo(string) (cadvisor.FsInfo, error)             { return disk, nil }
