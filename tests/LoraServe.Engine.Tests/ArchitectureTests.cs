using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using ArchUnitNET.Domain;
using ArchUnitNET.Fluent;
using ArchUnitNET.Loader;
using ArchUnitNET.xUnitV3;
using LoraServe.Engine.Generation;
using Shouldly;
using Xunit;
using static ArchUnitNET.Fluent.ArchRuleDefinition;

namespace LoraServe.Engine.Tests;

public class ArchitectureTests
{
    private const string Root = "LoraServe.Engine";

    private static readonly Architecture Engine = new ArchLoader().LoadAssembly(typeof(LlmEngine).Assembly).Build();

    // Each folder after those that it may use: arrows run upwards in this list, so that there is no circle. Folders of one line know nothing
    // of each other.
    private static readonly string[][] Layers =
    [
        ["", "Storage"],
        ["Kernels.Lanes"],
        ["Kernels", "Checkpoints.Safetensors"],
        ["Checkpoints"],
        ["Kernels.Products"],
        ["Kernels.Decoding"],
        ["Lora"],
        ["Models", "Peft", "Sampling"],
        ["Models.Cpu", "Adapters.Catalog", "Adapters.Effects"],
        ["Adapters.Store"],
        ["Adapters.Intake"],
        ["Adapters.Residency"],
        ["Adapters", "Sequences"],
        ["Scheduling"],
        ["Merging"],
        ["Generation"],
        ["Chat"],
        ["Training.Settings", "Training.Results"],
        ["Training.Data"],
        ["Training.Gradients"],
        ["Training.Optimization", "Training.Planning"],
        ["Training.Saving"],
        ["Training.Runs"],
        ["Training"],
        ["Training.Ranks"],
    ];

    public static TheoryData<string> Folders => [.. Layers.SelectMany(layer => layer)];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Folder_Types_DependOnlyOnFoldersBelow(string folder)
    {
        var layer = Array.FindIndex(Layers, layer => layer.Contains(folder));
        var above = Layers.Skip(layer + 1).SelectMany(layer => layer);
        var beside = Layers[layer].Where(other => other != folder);
        foreach (var other in above.Concat(beside))
        {
            IArchRule rule = Types().That().ResideInNamespaceMatching(Namespace(folder)).Should().NotDependOnAny(Types().That().ResideInNamespaceMatching(Namespace(other)));
            rule.Check(Engine);
        }
    }

    [Fact]
    public void Folder_Any_HasARule() => Engine.Types.Select(type => type.Namespace.FullName)
        .Where(name => name.StartsWith(Root, StringComparison.Ordinal) && !name.EndsWith(".Migrations", StringComparison.Ordinal))
        .Select(name => name.Length == Root.Length ? "" : name[(Root.Length + 1)..])
        .Distinct()
        .ShouldBeSubsetOf(Layers.SelectMany(layer => layer));

    [Fact]
    public void Engine_CompiledCode_NeverCallsMatmul()
    {
        // matmul aborts the process on wrong shapes; linear and bmm throw.
        using var file = File.OpenRead(typeof(LlmEngine).Assembly.Location);
        using var image = new PEReader(file);
        var metadata = image.GetMetadataReader();
        var called = metadata.MemberReferences.Select(handle => metadata.GetString(metadata.GetMemberReference(handle).Name)).ToHashSet();

        called.ShouldContain("linear");
        called.ShouldNotContain(name => name.Contains("matmul", StringComparison.OrdinalIgnoreCase));
    }

    private static string Namespace(string folder) => folder.Length == 0 ? $"^{Regex.Escape(Root)}$" : $"^{Regex.Escape($"{Root}.{folder}")}$";
}
