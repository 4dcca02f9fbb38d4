using System.Text;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Peft;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Peft;

public class TargetModulesTests
{
    private static readonly ModelModules Base = new(
        "tiny",
        "llama",
        [.. Enumerable.Range(0, 3).SelectMany(i => new[] { "self_attn.q_proj", "self_attn.v_proj", "mlp.up_proj" }
            .Select(name => new LinearModule($"model.layers.{i}.{name}", 8, 8, HasBias: false))), new LinearModule("lm_head", 8, 32, HasBias: false)],
        ["model", "model.embed_tokens", "model.layers", "model.layers.0", "model.layers.0.self_attn", "model.norm"],
        "lm_head");

    [Theory]
    [InlineData(""" "target_modules":["q_proj"] """, "0.q 1.q 2.q")]
    [InlineData(""" "target_modules":["proj"] """, null)]
    [InlineData(""" "target_modules":["self_attn.q_proj","lm_head"] """, "0.q 1.q 2.q head")]
    [InlineData(""" "target_modules":["model.layers.1.mlp.up_proj"] """, "1.up")]
    [InlineData(""" "target_modules":"all-linear" """, "0.q 0.v 0.up 1.q 1.v 1.up 2.q 2.v 2.up")]
    [InlineData(""" "target_modules":"ALL-LINEAR","exclude_modules":["v_proj","model.layers.0.mlp.up_proj"] """, "0.q 1.q 1.up 2.q 2.up")]
    [InlineData(""" "target_modules":"all-linear","exclude_modules":".*attn.*" """, "0.up 1.up 2.up")]
    [InlineData(""" "target_modules":null """, "0.q 0.v 1.q 1.v 2.q 2.v")]
    [InlineData(""" "target_modules":".*layers\\.[02]\\.mlp\\..*" """, "0.up 2.up")]
    [InlineData(""" "target_modules":"q_proj" """, null)]
    [InlineData(""" "target_modules":["q_proj"],"layers_to_transform":1 """, "1.q")]
    [InlineData(""" "target_modules":["q_proj"],"layers_to_transform":[0,2],"layers_pattern":"layers" """, "0.q 2.q")]
    [InlineData(""" "target_modules":["q_proj"],"layers_to_transform":[0],"layers_pattern":["h","layers"] """, "0.q")]
    [InlineData(""" "target_modules":["q_proj"],"layers_to_transform":[0],"layers_pattern":"h" """, null)]
    [InlineData(""" "target_modules":["q_proj"],"layers_to_transform":[7] """, null)]
    [InlineData(""" "target_modules":["q_proj"],"layers_to_transform":[] """, "0.q 1.q 2.q")]
    [InlineData(""" "target_modules":["q_proj","model.layers.2.mlp.up_proj"],"layers_to_transform":[0] """, "0.q 2.up")]
    [InlineData(""" "target_modules":[] """, null)]
    [InlineData(""" "target_modules":["q_proj","embed_tokens"],"layers_to_transform":[0] """, "0.q")]
    [InlineData(""" "target_modules":["lm_head","embed_tokens"] """, "model.embed_tokens head")]
    [InlineData(""" "target_modules":["q_proj","lm_head"],"modules_to_save":["lm_head"] """, "0.q 1.q 2.q")]
    [InlineData(""" "target_modules":["q_proj","up_proj"],"modules_to_save":["0.mlp","attn"] """, "1.up 2.up")]
    [InlineData(""" "target_modules":["q_proj"],"modules_to_save":["proj"] """, null)]
    public void Select_Configuration_ChoosesAsPeft(string fields, string? expected)
    {
        var (selected, faults) = Select(fields);

        (faults.Any ? null : selected).ShouldBe(expected);
    }

    [Theory]
    [InlineData(""" "target_modules":["norm"] """, "'model.norm' is not a linear module")]
    [InlineData(""" "target_modules":".*norm" """, "'model.norm' is not a linear module")]
    [InlineData(""" "target_modules":["attn_q"] """, "no linear module of tiny matches 'attn_q'")]
    public void Select_WhatIsNotLinear_IsNamed(string fields, string fault) =>
        Should.Throw<InvalidPeftException>(() => Select(fields).Faults.ThrowIfAny()).Message.ShouldContain(fault);

    [Fact]
    public void Select_RegularExpressionThatMatchesOtherModulesToo_PassesThemOver()
    {
        var (selected, faults) = Select(""" "target_modules":"^(model)(?!.*(lm_head|emb|v_proj|up)).*" """);

        selected.ShouldBe("0.q 1.q 2.q");
        faults.Any.ShouldBeFalse();
        faults.Warnings.ShouldHaveSingleItem().ShouldContain("modules that are not linear, such as 'model'");
    }

    [Fact]
    public void Select_NameThatMatchesNothingBesideOthers_IsAWarning()
    {
        var (_, faults) = Select(""" "target_modules":["q_proj","query_key_value"] """);

        faults.Any.ShouldBeFalse();
        faults.Warnings.ShouldHaveSingleItem().ShouldContain("query_key_value");
    }

    [Fact]
    public void Select_NullOnAnotherModelType_IsAFault()
    {
        var faults = new PeftFaults();

        new TargetModules().Select(Base with { ModelType = "brandnew" }, faults);

        faults.Any.ShouldBeTrue();
    }

    private static (string Selected, PeftFaults Faults) Select(string fields)
    {
        var faults = new PeftFaults();
        var config = PeftConfigReader.Read(Encoding.UTF8.GetBytes($$"""{"peft_type":"LORA",{{fields}}}"""), faults);
        faults.ThrowIfAny();
        var paths = config!.Targets.Select(Base, faults).Select(linear => linear.Path
            .Replace("model.layers.", "").Replace("self_attn.", "").Replace("mlp.", "").Replace("_proj", "").Replace("lm_", ""));
        return (string.Join(' ', paths), faults);
    }
}
