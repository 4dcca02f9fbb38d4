using System.Runtime.CompilerServices;
using TorchSharp;

namespace LoraServe.Engine.Tests;

internal static class TorchSetup
{
#pragma warning disable CA2255
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Initialize()
    {
        // A test may call torch before it touches a type of the engine.
        RuntimeHelpers.RunModuleConstructor(typeof(NativeLibraries).Module.ModuleHandle);
        NativeLibraries.Load();
        torch.set_num_threads(1);
    }
}
