(** * Hamiltonian fields

    Statement.   (a, b)′ = (∇U(b), −∇V(a)) with cocoercive −∇U and −∇V, constants β₁ and β₂, has K ≤ max(β₁, β₂) and
                 μ ≤ ½max(β₁, β₂). The second is attained: such a field is not one with μ = 0.
    Assumptions. any inner product space for either half, the product of the two for the state; β₁, β₂ ≥ 0; the halves
                 are gradient flows, of which only cocoercivity is used
    Source.      theory, section 5; the Hamiltonian field; Hairer, Lubich, Wanner, Geometric Numerical Integration, VI.1
    Verdict.     proved as stated
    Theorems.    hamiltonian_one_sided, hamiltonian_lipschitz, hamiltonian_one_sided_is_attained *)

From Coq Require Import Reals Lra Psatz.
From NatrobProofs Require Import normed_space inner_product_space product_space theorem_3_1 one_sided gradient_flow.
Open Scope R_scope.
Open Scope vector_scope.

Section Hamiltonian.

Variable E : InnerProductSpace.

(** [first] is −∇U, on b; [second] is −∇V, on a. *)
Definition hamiltonian (first second : R -> E -> E) (t : R) (state : product_space E E) : product_space E E :=
  (opposite (first t (snd state)), second t (fst state)).

(** With −⟨Δf, e⟩ ≥ 0 a larger constant serves as well. *)
Lemma cocoercive_grows : forall f beta larger,
  0 <= beta -> beta <= larger -> cocoercive E f beta -> cocoercive E f larger.
Proof.
  intros f beta larger nonnegative order constant t z y.
  assert (one_sided E f (- 0)) as contracts.
  { apply (secants_one_sided E f 0 beta nonnegative), secants_from_zero, constant. }
  pose proof (constant t z y) as products. pose proof (contracts t z y) as sign.
  pose proof (Rmult_le_compat_r (- ⟨f t z ⊖ f t y, z ⊖ y⟩) _ _ ltac:(lra) order). lra.
Qed.

(** Half the constant times e is the centre: ‖Δf + ½βe‖ ≤ ½β‖e‖. *)
Lemma cocoercive_in_ball : forall f beta t z y, 0 <= beta -> cocoercive E f beta ->
  ‖(f t z ⊖ f t y) ⊕ (beta / 2) • (z ⊖ y)‖ <= beta / 2 * ‖z ⊖ y‖.
Proof.
  intros f beta t z y nonnegative constant. apply secants_from_zero in constant.
  pose proof (secants_in_ball E f 0 beta t z y constant) as ball. cbv zeta in ball.
  rewrite Rplus_0_r, Rminus_0_r in ball. pose proof (norm_nonnegative _ (z ⊖ y)).
  apply compare_squares; [apply Rmult_le_pos; lra|]. lra.
Qed.

Variables first second : R -> E -> E.
Variables beta_first beta_second : R.
Hypothesis first_nonnegative : 0 <= beta_first.
Hypothesis second_nonnegative : 0 <= beta_second.
Hypothesis first_cocoercive : cocoercive E first beta_first.
Hypothesis second_cocoercive : cocoercive E second beta_second.

(** With β the larger constant, u = Δa, v = Δb: Δf = (½βv + r, −½βu − s), ‖r‖ ≤ ½β‖v‖ and ‖s‖ ≤ ½β‖u‖. The centres
    cancel in ⟨Δf, e⟩, and |⟨r, u⟩| + |⟨s, v⟩| ≤ β‖u‖‖v‖ is left. *)
Theorem hamiltonian_one_sided :
  one_sided (product_space E E) (hamiltonian first second) (Rmax beta_first beta_second / 2).
Proof.
  set (beta := Rmax beta_first beta_second).
  assert (beta_first <= beta) as first_order by apply Rmax_l.
  assert (beta_second <= beta) as second_order by apply Rmax_r.
  pose proof (cocoercive_grows first _ _ first_nonnegative first_order first_cocoercive) as of_first.
  pose proof (cocoercive_grows second _ _ second_nonnegative second_order second_cocoercive) as of_second.
  intros t z y. rewrite product_norm_squared. destruct z as [a b]. destruct y as [c d]. simpl. unfold pair_dot. simpl.
  pose proof (cocoercive_in_ball first beta t b d ltac:(lra) of_first) as first_ball.
  pose proof (cocoercive_in_ball second beta t a c ltac:(lra) of_second) as second_ball.
  set (u := a ⊖ c) in *. set (v := b ⊖ d) in *.
  set (r := (first t b ⊖ first t d) ⊕ (beta / 2) • v) in *.
  set (s := (second t a ⊖ second t c) ⊕ (beta / 2) • u) in *.
  replace (opposite (first t b) ⊕ opposite (opposite (first t d))) with ((beta / 2) • v ⊖ r)
    by (unfold r; vector).
  replace (second t a ⊖ second t c) with (s ⊖ (beta / 2) • u) by (unfold s; vector).
  rewrite !dot_add_left, !dot_opposite_left, !dot_scale_left, (dot_symmetric _ v u).
  pose proof (cauchy_schwarz _ (opposite r) u) as first_product.
  rewrite dot_opposite_left, norm_opposite in first_product.
  pose proof (cauchy_schwarz _ s v) as second_product.
  pose proof (norm_nonnegative _ u) as size_u. pose proof (norm_nonnegative _ v) as size_v.
  pose proof (Rmult_le_compat_r _ _ _ size_u first_ball). pose proof (Rmult_le_compat_r _ _ _ size_v second_ball).
  (* 2‖u‖‖v‖ ≤ ‖u‖² + ‖v‖² *)
  pose proof (Rmult_le_pos (beta / 2) _ ltac:(lra) (Rle_0_sqr (‖u‖ - ‖v‖))) as square. unfold Rsqr in square. lra.
Qed.

(** ‖Δf‖² = ‖Δ∇U‖² + ‖Δ∇V‖² ≤ β²(‖v‖² + ‖u‖²) *)
Theorem hamiltonian_lipschitz :
  lipschitz (product_space E E) (hamiltonian first second) (Rmax beta_first beta_second).
Proof.
  set (beta := Rmax beta_first beta_second).
  assert (beta_first <= beta) as first_order by apply Rmax_l.
  assert (beta_second <= beta) as second_order by apply Rmax_r.
  assert (lipschitz E first beta_first) as of_first.
  { apply (secants_lipschitz E first 0); [lra|assumption|apply secants_from_zero; assumption]. }
  assert (lipschitz E second beta_second) as of_second.
  { apply (secants_lipschitz E second 0); [lra|assumption|apply secants_from_zero; assumption]. }
  intros t z y. pose proof (norm_nonnegative _ (z ⊖ y)) as size.
  apply compare_squares; [apply Rmult_le_pos; lra|].
  replace (beta * ‖z ⊖ y‖ * (beta * ‖z ⊖ y‖)) with (beta * beta * (‖z ⊖ y‖ * ‖z ⊖ y‖)) by ring.
  rewrite !product_norm_squared. destruct z as [a b]. destruct y as [c d]. simpl.
  replace (opposite (first t b) ⊕ opposite (opposite (first t d))) with (opposite (first t b ⊖ first t d)) by vector.
  rewrite norm_opposite.
  assert (forall (p q : E) constant, constant <= beta -> ‖p‖ <= constant * ‖q‖ ->
    ‖p‖ * ‖p‖ <= beta * beta * (‖q‖ * ‖q‖)) as squares.
  { intros p q constant order bound. pose proof (norm_nonnegative _ p) as size_p.
    pose proof (Rmult_le_compat_r _ _ _ (norm_nonnegative _ q) order) as larger.
    assert (‖p‖ <= beta * ‖q‖) as direct by lra.
    pose proof (Rmult_le_compat _ _ _ _ size_p size_p direct direct). lra. }
  pose proof (squares _ _ _ first_order (of_first t b d)).
  pose proof (squares _ _ _ second_order (of_second t a c)). lra.
Qed.

End Hamiltonian.

(** ∇U(b) = βb and V = 0: (u, u) moves apart at the rate ½β. *)
Theorem hamiltonian_one_sided_is_attained : forall (E : InnerProductSpace) beta, 0 <= beta ->
  let first := fun (_ : R) (b : E) => (- beta) • b in
  let second := fun (_ : R) (_ : E) => zero in
  cocoercive E first beta /\ cocoercive E second beta /\
  forall t (u : E),
    let z := ((u, u) : product_space E E) in
    ⟨hamiltonian E first second t z ⊖ hamiltonian E first second t zero, z ⊖ zero⟩
      = beta / 2 * (‖z ⊖ zero‖ * ‖z ⊖ zero‖).
Proof.
  intros E beta nonnegative first second. split; [|split].
  - intros t z y. unfold first. replace ((- beta) • z ⊖ (- beta) • y) with ((- beta) • (z ⊖ y)) by vector.
    rewrite norm_scale, Rabs_Ropp, Rabs_right, dot_scale_left, dot_is_norm_squared by lra. lra.
  - intros t z y. unfold second. rewrite add_opposite, norm_zero, dot_zero_left. lra.
  - intros t u z. rewrite product_norm_squared. simpl. unfold pair_dot. simpl.
    replace (u ⊖ zero) with u by vector.
    replace (opposite (first t u) ⊕ opposite (opposite (first t zero))) with (beta • u) by (unfold first; vector).
    unfold second. rewrite add_opposite, dot_zero_left, dot_scale_left, dot_is_norm_squared. field.
Qed.
