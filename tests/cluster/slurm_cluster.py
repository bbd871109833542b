"""A Slurm cluster of this machine: munged, slurmctld and two slurmd on loopback ports, in a folder of its own.

For tests only: it runs as root, keeps no accounts and knows two partitions, `main`, whose jobs are queued again when
`urgent` needs their node.
"""
import os
import shutil
import signal
import socket
import subprocess
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "sinfo")

CONFIGURATION = """\
ClusterName=molgen3d
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
MaxArraySize={max_array}
MinJobAge={min_age}
KillWait=5
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0,requeue_setup_env_fail
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
MpiDefault=none
SwitchType=switch/none
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory=1000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 RealMemory=1000
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE
PartitionName=urgent Nodes=n1,n2 MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


def why_not():
    """Why no cluster can be started here; None when it can."""
    missing = [name for name in PROGRAMS if find(name) is None]
    if missing:
        return "not installed: " + ", ".join(missing) + " (Debian: slurm-wlm munge)"
    if os.geteuid() != 0:
        return "slurmd needs root"
    return None


def find(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class SlurmCluster:
    def __init__(self, folder, max_array=8, min_age=300):
        self.folder = folder
        self.processes = {}
        for name in ("state", "spool"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        self.configuration = os.path.join(folder, "slurm.conf")
        with open(self.configuration, "w") as file:
            file.write(CONFIGURATION.format(folder=folder, host=socket.gethostname().split(".")[0],
                                            ports=free_ports(3), max_array=max_array, min_age=min_age))
        key = os.path.join(folder, "munge.key")
        with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o400), "wb") as file:
            file.write(os.urandom(1024))
        self.environment = dict(os.environ, SLURM_CONF=self.configuration)
        self.environment["PATH"] += ":/usr/sbin:/sbin"
        at = lambda name: os.path.join(folder, name)  # noqa: E731
        self.start("munged", "--foreground", "--force", "--socket=" + at("munge.sock"), "--key-file=" + key,
                   "--pid-file=" + at("munged.pid"), "--log-file=" + at("munged.log"),
                   "--seed-file=" + at("munge.seed"))
        self.wait_for("the key service", lambda: os.path.exists(at("munge.sock")))
        self.start("slurmctld", "-D", "-f", self.configuration)
        for node in ("n1", "n2"):
            self.start("slurmd", "-D", "-N", node, "-f", self.configuration, name=node)
        self.wait_for("two idle nodes", lambda: self.run("sinfo", "-h", "-N", "-p", "main", "-o", "%T").split()
                      == ["idle", "idle"])

    def start(self, program, *arguments, name=None):
        with open(os.path.join(self.folder, (name or program) + ".out"), "wb") as log:
            self.processes[name or program] = subprocess.Popen(
                [find(program), *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment,
                start_new_session=True)

    def run(self, *words):
        return subprocess.run(words, env=self.environment, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60).stdout

    def wait_for(self, what, is_so, seconds=60):
        """The value of is_so() once it is true."""
        end = time.time() + seconds
        while time.time() < end:
            found = is_so()
            if found:
                return found
            time.sleep(0.2)
        raise AssertionError(f"waited {seconds} s for {what}\n" + self.run("squeue", "-r", "-a") + self.run("sinfo"))

    def batch_processes(self, job):
        """Process ids of the batch script of a job, the program it became first."""
        out = self.run("scontrol", "listpids", job)
        return [int(line.split()[0]) for line in out.splitlines()[1:] if line.split()[0].isdigit()]

    def stop(self):
        self.run("scancel", "--user=root")
        for name in ("n1", "n2", "slurmctld", "munged"):
            process = self.processes.get(name)
            if process is None:
                continue
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
