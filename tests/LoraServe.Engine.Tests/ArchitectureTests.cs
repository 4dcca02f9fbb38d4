using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
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
    private static readonly Architecture Engine = new ArchLoader().LoadAssembly(typeof(LlmEngine).Assembly).Build();

    /// <summary>Each folder and the folders that it may use; arrows run one way.</summary>
    public static TheoryData<string, string[]> Folders => new()
    {
        { "Faults", [] },
        { "Checkpoints", [] },
        { "Kernels", [] },
        { "Storage", [] },
        { "Tokenization", [] },
        { "Tokenization.Templates", [] },
        { "Lora", ["Kernels", "Checkpoints"] },
        { "Models", ["Kernels", "Lora", "Checkpoints"] },
        { "Adapters", ["Lora", "Checkpoints", "Storage", "Tokenization.Templates"] },
        { "Training.Data", ["Training", "Tokenization", "Tokenization.Templates"] },
        { "Training.Gradients", ["Training", "Training.Data", "Generation", "Models", "Lora", "Checkpoints", "Kernels"] },
        { "Training.Optimization", ["Training", "Training.Gradients", "Kernels"] },
        { "Training.Saving", ["Training", "Training.Data", "Training.Gradients", "Training.Optimization", "Adapters", "Checkpoints", "Lora"] },
        { "Training.Planning", ["Training", "Training.Data", "Training.Gradients", "Training.Runs", "Training.Saving", "Generation", "Models", "Lora", "Checkpoints", "Tokenization", "Tokenization.Templates"] },
        { "Training", ["Training.Data", "Training.Gradients", "Training.Optimization", "Training.Planning", "Training.Saving", "Generation", "Adapters", "Models", "Lora", "Checkpoints", "Tokenization", "Tokenization.Templates", "Training.Runs"] },
        { "Training.Runs", ["Training", "Training.Data", "Training.Gradients", "Training.Optimization", "Training.Saving", "Generation", "Adapters", "Models", "Lora", "Checkpoints", "Tokenization"] },
        { "Training.Ranks", ["Training", "Training.Data", "Generation", "Adapters", "Models", "Lora", "Checkpoints", "Kernels"] },
        { "Generation", ["Adapters", "Models", "Lora", "Checkpoints", "Kernels", "Tokenization", "Tokenization.Templates"] },
    };

    [Theory]
    [MemberData(nameof(Folders))]
    public void Folder_Types_DependOnlyOnFoldersBelow(string folder, string[] below)
    {
        // Faults is for all of them, and knows none.
        foreach (var (other, _) in Folders.Select(row => row.Data).Where(row => row.Item1 is not "Faults" && row.Item1 != folder && !below.Contains(row.Item1)))
        {
            IArchRule rule = Types().That().ResideInNamespaceMatching($@"^LoraServe\.Engine\.{folder}$")
                .Should().NotDependOnAny(Types().That().ResideInNamespaceMatching($@"^LoraServe\.Engine\.{other}$"));
            rule.Check(Engine);
        }
    }

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
}
