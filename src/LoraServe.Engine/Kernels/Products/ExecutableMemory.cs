using System.ComponentModel;
using System.Runtime.InteropServices;

namespace LoraServe.Engine.Kernels.Products;

/// <summary>Machine code in memory of its own, never writable and executable at the same time. Linux only.</summary>
internal sealed unsafe partial class ExecutableMemory
{
    private const int ProtRead = 1;
    private const int ProtWrite = 2;
    private const int ProtExec = 4;
    private const int MapPrivateAnonymous = 0x22;

    /// <summary>Copies the code; it stays for the life of the process.</summary>
    /// <exception cref="Win32Exception">The system refuses such memory.</exception>
    public ExecutableMemory(ReadOnlySpan<byte> code)
    {
        var address = Map(0, (nuint)code.Length, ProtRead | ProtWrite, MapPrivateAnonymous, -1, 0);
        if (address == -1) throw new Win32Exception(Marshal.GetLastPInvokeError());
        code.CopyTo(new Span<byte>((void*)address, code.Length));
        if (Protect(address, (nuint)code.Length, ProtRead | ProtExec) != 0) throw new Win32Exception(Marshal.GetLastPInvokeError());
        Address = address;
    }

    /// <summary>The first byte.</summary>
    public nint Address { get; }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Protect(nint address, nuint length, int protection);
}
