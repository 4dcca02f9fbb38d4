using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace LoraServe.Engine;

/// <summary>
/// Locates TorchSharp's native libraries: in the <c>native</c> folder of an application, else in the folder filled by the build of this
/// repository, named in a file beside its assemblies.
/// The libraries find each other there, so that loading one by its full path also loads its dependencies.
/// </summary>
internal static class NativeLibraries
{
    public static string Folder { get; } = FindFolder();

    // CA2255 discourages module initializers in libraries; this one must run before TorchSharp's static constructor searches.
#pragma warning disable CA2255
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Register() =>
        AssemblyLoadContext.Default.ResolvingUnmanagedDll += static (_, name) => Resolve(Folder, name);

    /// <summary>Loads the libraries now, so that a failure shows the operating system's own message.</summary>
    /// <exception cref="DllNotFoundException">The folder or a library that it needs is missing.</exception>
    public static void Load()
    {
        var path = Path.Combine(Folder, FileName("LibTorchSharp"));
        try
        {
            NativeLibrary.Load(path);
        }
        catch (DllNotFoundException e)
        {
            throw new DllNotFoundException($"{path} cannot be loaded: build or publish LoraServe again. {e.Message}", e);
        }
    }

    /// <returns>The library's handle, or 0 when the folder has no such library.</returns>
    internal static nint Resolve(string folder, string name)
    {
        var path = Path.Combine(folder, FileName(name));
        return File.Exists(path) ? NativeLibrary.Load(path) : 0;
    }

    private static string FileName(string name) =>
        OperatingSystem.IsWindows() ? $"{name}.dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";

    private static string FindFolder()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "native");
        if (Directory.Exists(folder)) return folder;
        // Tools that load the application have another base directory.
        var assembly = typeof(NativeLibraries).Assembly.Location;
        var pointer = Path.Combine(assembly.Length == 0 ? AppContext.BaseDirectory : Path.GetDirectoryName(assembly)!, "native.path");
        return File.Exists(pointer) ? File.ReadAllText(pointer).Trim() : folder;
    }
}
